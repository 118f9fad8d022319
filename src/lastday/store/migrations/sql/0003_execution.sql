-- Batches, plans, operations and cases: what was decided, what was done, what was seen.

CREATE TABLE batch (
    id          text PRIMARY KEY,
    cause       text NOT NULL,
    reference   text NOT NULL,
    by          text NOT NULL,
    opened_at   timestamptz NOT NULL,
    hash        text NOT NULL,
    planned_at  timestamptz,
    closed_at   timestamptz
);
CREATE INDEX batch_open ON batch (opened_at) WHERE closed_at IS NULL;

CREATE TABLE change (
    batch          text NOT NULL REFERENCES batch,
    ordinal        int NOT NULL,
    identity       text NOT NULL,
    kind           text NOT NULL,
    at             timestamptz NOT NULL,
    engagement     text,
    surprise       text NOT NULL,
    detail         text NOT NULL,
    contract_ended boolean NOT NULL,
    stopped_by     text,
    released_at    timestamptz,
    released_by_two boolean NOT NULL DEFAULT false,
    PRIMARY KEY (batch, ordinal)
);
CREATE INDEX change_identity ON change (identity);
CREATE INDEX change_stopped ON change (identity) WHERE stopped_by IS NOT NULL AND released_at IS NULL;

CREATE TABLE tripped (
    batch       text NOT NULL REFERENCES batch,
    brake       text NOT NULL,
    counted     int NOT NULL,
    allowed     int NOT NULL,
    base        int NOT NULL,
    detail      text NOT NULL,
    application text,
    entitlement text,
    identities  text[] NOT NULL
);

CREATE TABLE release (
    id          text PRIMARY KEY,
    batch       text NOT NULL REFERENCES batch,
    batch_hash  text NOT NULL,
    identities  text[] NOT NULL,
    reason      text NOT NULL,
    first_by    text NOT NULL,
    first_at    timestamptz NOT NULL,
    second_by   text,
    second_at   timestamptz,
    until       timestamptz NOT NULL
);

CREATE TABLE plan (
    id          text PRIMARY KEY,
    hash        text NOT NULL,
    batch       text NOT NULL REFERENCES batch,
    made_at     timestamptz NOT NULL,
    content     bytea NOT NULL,
    report      jsonb NOT NULL,
    complete    boolean NOT NULL,
    applyable   boolean NOT NULL,
    applied_at  timestamptz,
    applied_by  text
);

CREATE TABLE approval (
    plan    text NOT NULL REFERENCES plan,
    by      text NOT NULL,
    hash    text NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (plan, by)
);

CREATE TABLE case_file (
    id           text PRIMARY KEY,
    kind         text NOT NULL,
    identity     text NOT NULL,
    batch        text NOT NULL REFERENCES batch,
    effective_at timestamptz NOT NULL,
    opened_at    timestamptz NOT NULL,
    state        text NOT NULL,
    profile      text,
    limit_s      int,
    milestones   jsonb NOT NULL DEFAULT '{}',
    coverage     jsonb NOT NULL DEFAULT '{}',
    closed_at    timestamptz
);
CREATE INDEX case_identity ON case_file (identity);
CREATE INDEX case_open ON case_file (state) WHERE closed_at IS NULL;

CREATE TABLE operation (
    id             text PRIMARY KEY,
    plan           text NOT NULL REFERENCES plan,
    batch          text NOT NULL REFERENCES batch,
    case_id        text REFERENCES case_file,
    identity       text NOT NULL,
    application    text NOT NULL,
    native_id      text,
    verb           text NOT NULL,
    entitlement    text,
    priority       int NOT NULL,
    lane_hash      bigint NOT NULL,
    body           jsonb NOT NULL,
    state          text NOT NULL,
    wake_at        timestamptz,
    attempts       int NOT NULL DEFAULT 0,
    failures       int NOT NULL DEFAULT 0,
    contradictions int NOT NULL DEFAULT 0,
    reads          int NOT NULL DEFAULT 0,
    candidate      int NOT NULL DEFAULT 0,
    concluded      boolean NOT NULL DEFAULT false,
    accepted_at    timestamptz,
    verified_at    timestamptz,
    settled_at     timestamptz,
    detail         text NOT NULL DEFAULT '',
    holder         text,
    created_at     timestamptz NOT NULL
);
CREATE INDEX operation_due ON operation (application, wake_at)
    WHERE state IN ('planned', 'waiting', 'retrying', 'uncertain', 'accepted', 'verified');
CREATE INDEX operation_acting ON operation (holder) WHERE state = 'acting';
CREATE INDEX operation_identity ON operation (identity, application);
CREATE INDEX operation_case ON operation (case_id);
CREATE INDEX operation_plan ON operation (plan);

-- One lease per person and application: exclusion for whoever acts, and the generation that fences out the one before.
CREATE TABLE account_lease (
    application text NOT NULL,
    identity    text NOT NULL,
    generation  bigint NOT NULL,
    holder      text NOT NULL,
    PRIMARY KEY (application, identity)
);

CREATE TABLE attempt (
    operation  text NOT NULL REFERENCES operation,
    number     int NOT NULL,
    began_at   timestamptz NOT NULL,
    outcome    text,
    detail     text,
    request_id text,
    PRIMARY KEY (operation, number)
);

CREATE TABLE observation (
    operation text NOT NULL REFERENCES operation,
    at        timestamptz NOT NULL,
    kind      text NOT NULL,
    detail    text NOT NULL,
    probes    text[] NOT NULL
);
CREATE INDEX observation_operation ON observation (operation);

CREATE TABLE exchange (
    operation  text NOT NULL REFERENCES operation,
    ordinal    bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    method     text NOT NULL,
    target     text NOT NULL,
    status     text NOT NULL,
    request    text NOT NULL,
    answer     text NOT NULL,
    request_id text
);
CREATE INDEX exchange_operation ON exchange (operation);

-- What each operation wrote in the evidence log, so that a bundle and a result can name it.
CREATE TABLE operation_entry (
    operation text NOT NULL REFERENCES operation,
    kind      text NOT NULL,
    entry     text NOT NULL
);
CREATE INDEX operation_entry_operation ON operation_entry (operation);

-- People to be reconciled again at an instant, because an effect may still land after a newer decision.
CREATE TABLE look_again (
    identity text PRIMARY KEY,
    at       timestamptz NOT NULL,
    why      text NOT NULL
);

-- Orders by name: the person leaves at `at`, whatever the sources still say, until the order is lifted.
CREATE TABLE leave_order (
    id          text PRIMARY KEY,
    identity    text NOT NULL,
    at          timestamptz NOT NULL,
    by          text NOT NULL,
    reason      text NOT NULL,
    urgent      boolean NOT NULL,
    ordered_at  timestamptz NOT NULL,
    lifted_at   timestamptz,
    reviewed_by text,
    reviewed_at timestamptz
);
CREATE INDEX leave_order_standing ON leave_order (identity) WHERE lifted_at IS NULL;

-- What a person must do, because the application has no interface for it; the next reading checks what they confirm.
CREATE TABLE hand_task (
    operation       text PRIMARY KEY REFERENCES operation,
    owner           text,
    opened_at       timestamptz NOT NULL,
    deadline        timestamptz,
    confirmed_by    text,
    confirmed_at    timestamptz,
    note            text NOT NULL DEFAULT '',
    file_digest     text, -- of the proof
    reading         text, -- digest of the application's last reading when it was confirmed
    checked_at      timestamptz,
    contradicted_at timestamptz
);
CREATE INDEX hand_task_unchecked ON hand_task (confirmed_at)
    WHERE confirmed_at IS NOT NULL AND checked_at IS NULL AND contradicted_at IS NULL;

-- Said beforehand by two people: whoever of these leaves in this time surprises nobody.
CREATE TABLE announcement (
    id         text PRIMARY KEY,
    cause      text NOT NULL,
    identities text[] NOT NULL,
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    first_by   text NOT NULL,
    first_at   timestamptz NOT NULL,
    second_by  text,
    second_at  timestamptz,
    CHECK (since < until)
);
