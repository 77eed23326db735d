-- Use under limits that is still counted. `state` is JSON; what it means is the business of whoever keeps it.
CREATE TABLE usage_counters (
    limit_name  TEXT   NOT NULL,
    measure     TEXT   NOT NULL,
    time_window TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    PRIMARY KEY (limit_name, measure, time_window, subject)
);
