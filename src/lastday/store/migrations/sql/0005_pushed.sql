-- What SCIM clients push, who they are, and what they changed.

-- Whoever changes a source's resources holds the source's advisory lock, so sequences have no gaps and become visible
-- in their order: who sees change n has seen all before it.
CREATE TABLE pushed_source (
    source   text PRIMARY KEY,
    sequence bigint NOT NULL CHECK (sequence > 0)
);

CREATE TABLE pushed_resource (
    source       text NOT NULL,
    type         text NOT NULL CHECK (type IN ('User', 'Group')),
    id           text COLLATE "C" NOT NULL,
    ordinal      bigint NOT NULL, -- the sequence of the change that made it
    version      bigint NOT NULL CHECK (version > 0),
    created_at   timestamptz NOT NULL,
    modified_at  timestamptz NOT NULL,
    body         json NOT NULL, -- as text, so that attributes keep their order
    comparable   jsonb NOT NULL, -- what filters and sorting look at
    user_name    text COLLATE "C", -- in comparable form
    external_id  text COLLATE "C", -- as it was written
    display_name text,
    deleted_at   timestamptz,
    PRIMARY KEY (source, type, id)
);
CREATE UNIQUE INDEX pushed_resource_user_name ON pushed_resource (source, user_name)
    WHERE type = 'User' AND deleted_at IS NULL;
CREATE INDEX pushed_resource_external_id ON pushed_resource (source, external_id)
    WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX pushed_resource_ordinal ON pushed_resource (source, type, ordinal) WHERE deleted_at IS NULL;
CREATE INDEX pushed_resource_comparable ON pushed_resource USING gin (comparable jsonb_path_ops)
    WHERE deleted_at IS NULL;

-- Who is in which group, for looking up from the member's side.
CREATE TABLE pushed_member (
    source    text NOT NULL,
    group_id  text COLLATE "C" NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (source, group_id, member_id)
);
CREATE INDEX pushed_member_member ON pushed_member (source, member_id);

-- Every change that a client made: first what is still to be taken in, then the history behind batches.
CREATE TABLE push (
    source      text NOT NULL,
    sequence    bigint NOT NULL CHECK (sequence > 0),
    type        text NOT NULL,
    resource    text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    method      text NOT NULL,
    gone        boolean NOT NULL, -- the change took the resource away
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
