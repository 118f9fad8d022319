-- The evidence log. Entries are durable with the transaction that wrote them and get their number afterwards, from the
-- one sequencer; leaf and content never change, only the number is set, once.

CREATE TABLE entry (
    id          text PRIMARY KEY,
    number      bigint UNIQUE CHECK (number >= 0),
    arrival     bigint GENERATED ALWAYS AS IDENTITY,
    kind        text NOT NULL,
    at          timestamptz NOT NULL,
    case_id     text,
    operation   text,
    batch       text,
    plan        text,
    identity    text,
    content     bytea NOT NULL,
    leaf        bytea NOT NULL CHECK (octet_length(leaf) = 32)
);
CREATE INDEX entry_unnumbered ON entry (arrival) WHERE number IS NULL;
CREATE INDEX entry_case ON entry (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX entry_batch ON entry (batch) WHERE batch IS NOT NULL AND case_id IS NULL;
CREATE INDEX entry_operation ON entry (operation) WHERE operation IS NOT NULL;
CREATE INDEX entry_identity ON entry (identity) WHERE identity IS NOT NULL;
CREATE INDEX entry_key_rotated ON entry (number) WHERE kind = 'key_rotated';

CREATE FUNCTION entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'the evidence log only grows';
    END IF;
    IF OLD.number IS NOT NULL OR NEW.content <> OLD.content OR NEW.leaf <> OLD.leaf OR NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'an entry of the evidence log never changes';
    END IF;
    RETURN NEW;
END $$;
-- Keeps accidents out. Whoever may drop the trigger is caught by the checkpoints, not by this.
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION entry_stays();
CREATE TRIGGER entry_not_truncated BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION entry_stays();

-- What the leaf only commits to. Erasing takes salt and data; the leaf, and with it every proof, stays.
CREATE TABLE entry_personal (
    entry       text PRIMARY KEY REFERENCES entry,
    salt        bytea NOT NULL CHECK (octet_length(salt) = 32),
    content     bytea NOT NULL
);

-- Full subtrees above the leaves; they never change.
CREATE TABLE tree_node (
    level       int NOT NULL CHECK (level > 0),
    position    bigint NOT NULL,
    hash        bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, position)
);

CREATE TABLE checkpoint (
    size        bigint PRIMARY KEY CHECK (size > 0),
    root        bytea NOT NULL CHECK (octet_length(root) = 32),
    key         text NOT NULL,
    note        text NOT NULL
);
