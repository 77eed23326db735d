-- Ids are text, times are microseconds since 1970 (UTC), lists are JSON. Hashes are lower-case hex.

CREATE TABLE workloads (
    id       TEXT   NOT NULL PRIMARY KEY,
    tenant   TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    audience TEXT   NOT NULL,
    exposure TEXT   NOT NULL,
    owner    TEXT   NOT NULL,
    label    TEXT   NOT NULL,
    models   TEXT   NOT NULL,
    tools    TEXT   NOT NULL,
    traits   TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    UNIQUE (tenant, name)
);

-- `short_id` is the part of the key's text by which it is looked up; `mac` is keyed with `ring_version` of the key ring.
CREATE TABLE api_keys (
    id           TEXT   NOT NULL PRIMARY KEY,
    short_id     TEXT   NOT NULL UNIQUE,
    mac          TEXT   NOT NULL,
    ring_version BIGINT NOT NULL,
    workload     TEXT   NOT NULL REFERENCES workloads (id),
    note         TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    expires      BIGINT,
    revoked      BIGINT,
    last_used    BIGINT
);

CREATE INDEX api_keys_of_workload ON api_keys (workload, id);

-- An index of the ledger for people who look for a request; the ledger is what counts. Ids sort by time.
CREATE TABLE requests (
    id            TEXT   NOT NULL PRIMARY KEY,
    time          BIGINT NOT NULL,
    workload      TEXT   NOT NULL,
    api_key       TEXT   NOT NULL,
    surface       TEXT   NOT NULL,
    model         TEXT   NOT NULL,
    upstream      TEXT   NOT NULL,
    effect        TEXT   NOT NULL,
    status        BIGINT NOT NULL,
    end_reason    TEXT,
    counts        TEXT   NOT NULL,
    intent_index  BIGINT,
    outcome_index BIGINT,
    duration_us   BIGINT NOT NULL
);

CREATE INDEX requests_of_workload ON requests (workload, id);
CREATE INDEX requests_by_time ON requests (time);

CREATE TABLE sessions (
    hash    TEXT   NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE TABLE signin_links (
    hash    TEXT   NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used    BIGINT
);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- System prompts that a workload may send without being blocked for what they say, by digest.
CREATE TABLE registered_prompts (
    workload TEXT   NOT NULL REFERENCES workloads (id),
    digest   TEXT   NOT NULL,
    note     TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    PRIMARY KEY (workload, digest)
);
