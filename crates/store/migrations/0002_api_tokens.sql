-- Tokens by which programs of the operator read the API. `short_id` and `mac` are as of API keys.
CREATE TABLE api_tokens (
    short_id     TEXT   NOT NULL PRIMARY KEY,
    mac          TEXT   NOT NULL,
    ring_version BIGINT NOT NULL,
    scope        TEXT   NOT NULL,
    note         TEXT   NOT NULL,
    created      BIGINT NOT NULL,
    expires      BIGINT NOT NULL,
    revoked      BIGINT
);
