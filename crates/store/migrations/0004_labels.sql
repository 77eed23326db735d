-- Texts whose paragraphs carry a label. `prints` is JSON: digests under a key that is not in here, and no text.
CREATE TABLE labelled_texts (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    label      TEXT   NOT NULL,
    paragraphs BIGINT NOT NULL,
    prints     TEXT   NOT NULL,
    created    BIGINT NOT NULL
);

-- Labelled conversations and lines of their answers, as keyed digests. `kind` is `conversation` or `line`.
CREATE TABLE label_marks (
    kind    TEXT   NOT NULL,
    digest  TEXT   NOT NULL,
    label   TEXT   NOT NULL,
    until   BIGINT NOT NULL,
    PRIMARY KEY (kind, digest)
);
