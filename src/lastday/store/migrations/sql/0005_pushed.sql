-- What SCIM clients push, who they are, and what they changed.

-- Whoever changes a source's resources holds the source's advisory lock, so sequences have no gaps and become visible
-- in their order: who sees change n has seen all before it.
CREATE TABLE pushed_source (
    source   text PRIMARY KEY,
    sequence bigint NOT NULL CHECK (sequence > 0)
);

-- No index begins with the source except the one that lists by it: while there are no statistics yet, as during a first
-- load, PostgreSQL would take any such index for as good as the one that finds a single row.
CREATE TABLE pushed_resource (
    id          text COLLATE "C" PRIMARY KEY,
    source      text NOT NULL,
    type        text NOT NULL CHECK (type IN ('User', 'Group')),
    ordinal     bigint NOT NULL, -- the sequence of the change that made it
    version     bigint NOT NULL CHECK (version > 0),
    created_at  timestamptz NOT NULL,
    modified_at timestamptz NOT NULL,
    body        json NOT NULL, -- as text, so that attributes keep their order
    deleted_at  timestamptz,
    -- What filters and sorting look at; empty when it was deleted.
    comparable  jsonb NOT NULL,
    user_name   text COLLATE "C", -- in comparable form, of users
    external_id text COLLATE "C", -- as it was written
    CHECK (deleted_at IS NULL OR (comparable = '{}' AND user_name IS NULL AND external_id IS NULL))
);
CREATE UNIQUE INDEX pushed_resource_user_name ON pushed_resource (user_name, source);
CREATE INDEX pushed_resource_external_id ON pushed_resource (external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX pushed_resource_ordinal ON pushed_resource (source, type, ordinal);
-- What is not sorted in yet is read whole by every search: 256 kB of it, not the 4 MB that are usual.
CREATE INDEX pushed_resource_comparable ON pushed_resource USING gin (comparable jsonb_path_ops)
    WITH (gin_pending_list_limit = 256);

-- Who is in which group, for looking up from the member's side.
CREATE TABLE pushed_member (
    source    text NOT NULL,
    group_id  text COLLATE "C" NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX pushed_member_member ON pushed_member (member_id);

-- Every change that a client made: first what is still to be taken in, then the history behind batches.
CREATE TABLE push (
    source      text NOT NULL,
    sequence    bigint NOT NULL CHECK (sequence > 0),
    type        text NOT NULL,
    resource    text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    method      text NOT NULL,
    gone        boolean NOT NULL, -- the change took the resource away
    active      boolean, -- what the resource said of its switch after it; NULL: nothing
    client      text NOT NULL, -- id of the token
    client_name text NOT NULL,
    request_id  text NOT NULL,
    at          timestamptz NOT NULL,
    taken_in    text, -- the batch; none where the change made no difference to a person
    taken_at    timestamptz,
    PRIMARY KEY (source, sequence)
);
CREATE INDEX push_pending ON push (source, sequence) WHERE taken_at IS NULL;
CREATE INDEX push_batch ON push (taken_in) WHERE taken_in IS NOT NULL;
CREATE INDEX push_resource ON push (source, type, resource, sequence);

-- The tokens of clients. The secret itself is nowhere.
CREATE TABLE scim_token (
    id             text PRIMARY KEY,
    source         text NOT NULL,
    name           text NOT NULL,
    profile        text NOT NULL,
    scopes         text[] NOT NULL,
    hash           bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    requests_per_s double precision NOT NULL CHECK (requests_per_s > 0),
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz,
    revoked_at     timestamptz,
    replaced_by    text REFERENCES scim_token DEFERRABLE, -- until it expires both are good
    last_used_at   timestamptz -- the hour, not the moment
);
CREATE UNIQUE INDEX scim_token_name ON scim_token (source, name) WHERE revoked_at IS NULL AND replaced_by IS NULL;
