-- People, feeds, accounts, policy versions and findings.
-- Tables whose names end in _version are append-only: `valid` is when it was so, `known` is when we believed it.
-- The row that we believe now has an open `known`; there is one for each subject.

CREATE TABLE installation (
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    instance_id text NOT NULL,
    test_clock  boolean NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- People -------------------------------------------------------------------------------------------------------------

CREATE TABLE identity (
    id             text PRIMARY KEY,
    kind           text NOT NULL,
    person_key     text,
    lifecycle_seen text,
    walked_until   timestamptz,
    next_change_at timestamptz
);
CREATE INDEX identity_due ON identity (next_change_at) WHERE next_change_at IS NOT NULL;

CREATE TABLE person_key (
    source   text NOT NULL,
    key      text NOT NULL,
    identity text NOT NULL REFERENCES identity,
    PRIMARY KEY (source, key)
);
CREATE INDEX person_key_identity ON person_key (identity);

CREATE TABLE engagement (
    id       text PRIMARY KEY,
    identity text NOT NULL REFERENCES identity,
    source   text NOT NULL,
    key      text NOT NULL,
    UNIQUE (source, key)
);
CREATE INDEX engagement_identity ON engagement (identity);

CREATE TABLE engagement_version (
    engagement      text NOT NULL REFERENCES engagement,
    attributes      jsonb NOT NULL,
    status          text NOT NULL,
    starts_at       timestamptz,
    ends_at         timestamptz,
    end_known_since timestamptz,
    end_accepted    boolean NOT NULL,
    digest          text NOT NULL,
    valid           tstzrange NOT NULL,
    known           tstzrange NOT NULL
);
CREATE UNIQUE INDEX engagement_version_open ON engagement_version (engagement) WHERE upper_inf(known);
CREATE INDEX engagement_version_history ON engagement_version (engagement);

-- Who ever held a mail address, a user name or a number: a hint links only where one person did in the last year.
CREATE TABLE value_history (
    attribute    text NOT NULL,
    value_folded text NOT NULL,
    identity     text NOT NULL REFERENCES identity,
    since        timestamptz NOT NULL,
    until        timestamptz,
    PRIMARY KEY (attribute, value_folded, identity)
);
CREATE INDEX value_history_identity ON value_history (identity);

CREATE TABLE feed (
    id          text PRIMARY KEY,
    source      text NOT NULL,
    received_at timestamptz NOT NULL,
    digest      text NOT NULL,
    rows        int NOT NULL,
    columns     text[] NOT NULL,
    keys        text[] NOT NULL,
    accepted    boolean NOT NULL,
    accepted_by text,
    findings    jsonb NOT NULL,
    content     bytea
);
CREATE INDEX feed_source ON feed (source, received_at DESC);

CREATE TABLE absence (
    source text NOT NULL,
    key    text NOT NULL,
    since  timestamptz NOT NULL,
    files  int NOT NULL,
    PRIMARY KEY (source, key)
);

-- Applications -------------------------------------------------------------------------------------------------------

CREATE TABLE snapshot (
    id       text PRIMARY KEY,
    subject  text NOT NULL,
    taken_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    complete boolean NOT NULL,
    counts   jsonb NOT NULL,
    digest   text NOT NULL
);
CREATE INDEX snapshot_subject ON snapshot (subject, taken_at DESC);

CREATE TABLE account (
    id            text PRIMARY KEY,
    application   text NOT NULL,
    native_id     text NOT NULL,
    kind          text NOT NULL DEFAULT 'personal',
    protected     boolean NOT NULL DEFAULT false,
    first_seen_at timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL, -- when it was last there
    checked_at    timestamptz NOT NULL, -- when it was last looked for; an older reading changes nothing any more
    last_used     timestamptz,
    snapshot      text REFERENCES snapshot,
    UNIQUE (application, native_id)
);

-- The last use stands in `account`: it changes at every sign-in and would make a version each time.
CREATE TABLE account_version (
    account    text NOT NULL REFERENCES account,
    username   text NOT NULL,
    enabled    boolean NOT NULL,
    attributes jsonb NOT NULL,
    created_at timestamptz,
    exists     boolean NOT NULL,
    digest     text NOT NULL,
    valid      tstzrange NOT NULL,
    known      tstzrange NOT NULL
);
CREATE UNIQUE INDEX account_version_open ON account_version (account) WHERE upper_inf(known);
CREATE INDEX account_version_history ON account_version (account);

CREATE TABLE holding_version (
    account     text NOT NULL REFERENCES account,
    entitlement text NOT NULL,
    via         text NOT NULL,
    since       timestamptz NOT NULL,
    valid       tstzrange NOT NULL,
    known       tstzrange NOT NULL
);
CREATE UNIQUE INDEX holding_version_open ON holding_version (account, entitlement, via) WHERE upper_inf(known);
CREATE INDEX holding_version_history ON holding_version (account);
CREATE INDEX holding_version_holders ON holding_version (entitlement) WHERE upper_inf(known);

CREATE TABLE entitlement (
    application text NOT NULL,
    name        text NOT NULL,
    first_seen  timestamptz NOT NULL,
    PRIMARY KEY (application, name)
);

CREATE TABLE link (
    account     text NOT NULL REFERENCES account,
    correlation text NOT NULL,
    identity    text REFERENCES identity,
    how         text NOT NULL,
    at          timestamptz NOT NULL,
    ended_at    timestamptz,
    CHECK ((correlation = 'matched') = (identity IS NOT NULL))
);
CREATE UNIQUE INDEX link_open ON link (account) WHERE ended_at IS NULL;
CREATE INDEX link_identity ON link (identity) WHERE ended_at IS NULL;

-- Decisions ----------------------------------------------------------------------------------------------------------

CREATE TABLE adopted (
    identity    text NOT NULL REFERENCES identity,
    application text NOT NULL,
    entitlement text NOT NULL,
    since       timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE UNIQUE INDEX adopted_open ON adopted (identity, application, entitlement) WHERE ended_at IS NULL;

CREATE TABLE deny (
    id          text PRIMARY KEY,
    identity    text NOT NULL REFERENCES identity,
    application text NOT NULL,
    entitlement text NOT NULL,
    why         text NOT NULL,
    by          text NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz
);
CREATE INDEX deny_identity ON deny (identity);

CREATE TABLE preserve (
    id          text PRIMARY KEY,
    identity    text NOT NULL REFERENCES identity,
    why         text NOT NULL,
    by          text NOT NULL,
    since       timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE INDEX preserve_identity ON preserve (identity) WHERE ended_at IS NULL;

CREATE TABLE policy_version (
    digest       text NOT NULL,
    text         text NOT NULL,
    activated_at timestamptz NOT NULL,
    by           text NOT NULL,
    valid        tstzrange NOT NULL
);
CREATE UNIQUE INDEX policy_version_open ON policy_version ((true)) WHERE upper_inf(valid);

CREATE TABLE finding (
    id        text PRIMARY KEY,
    code      text NOT NULL,
    severity  text NOT NULL,
    subject   text NOT NULL,
    detail    text NOT NULL,
    mend      text NOT NULL,
    owner     text,
    deadline  timestamptz,
    opened_at timestamptz NOT NULL,
    seen_at   timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE UNIQUE INDEX finding_open ON finding (code, subject) WHERE closed_at IS NULL;

-- Running ------------------------------------------------------------------------------------------------------------

CREATE TABLE escrow (
    application text NOT NULL,
    native_id   text NOT NULL,
    kind        text NOT NULL,
    sealed      bytea NOT NULL,
    PRIMARY KEY (application, native_id, kind)
);

-- Real time, never the test clock: budgets and heartbeats are about machines.
CREATE TABLE budget (
    application   text PRIMARY KEY,
    tokens        double precision NOT NULL,
    refilled_at   timestamptz NOT NULL,
    blocked_until timestamptz
);

CREATE TABLE worker (
    id           text PRIMARY KEY,
    host         text NOT NULL,
    started_at   timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL
);

-- Procrastinate tells workers of new jobs, not of a lock that comes free: without this, what waits in a lane waits for
-- the next poll.
CREATE FUNCTION tell_lane_is_free() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM procrastinate_jobs WHERE lock = OLD.lock AND status = 'todo') THEN
        PERFORM pg_notify('procrastinate_queue_v1#' || OLD.queue_name,
            json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text);
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER job_ended AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND NEW.status <> 'doing' AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION tell_lane_is_free();
CREATE TRIGGER job_deleted AFTER DELETE ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND OLD.lock IS NOT NULL) EXECUTE FUNCTION tell_lane_is_free();
