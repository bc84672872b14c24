"""What is forwarded upward, and what was reconciled."""

from alembic import op

from kit.migrate import grant

revision = "0006"
down_revision = "0005"

TABLES = """
CREATE TABLE uplinks (
    name TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    peer TEXT NOT NULL,
    region TEXT NOT NULL,
    is_on BOOLEAN NOT NULL,
    regions TEXT[] NOT NULL,
    sites TEXT[] NOT NULL,
    factors TEXT[] NOT NULL,
    periods TEXT[] NOT NULL,
    sources TEXT[] NOT NULL,
    places JSONB NOT NULL,
    source_as TEXT,
    dialect TEXT NOT NULL,
    units TEXT NOT NULL,
    answer_seconds INTEGER,
    resends INTEGER,
    parcels_per_second DOUBLE PRECISION,
    token_url TEXT,
    client_id TEXT,
    secrets_version INTEGER NOT NULL,
    CONSTRAINT pk_uplinks PRIMARY KEY (name)
);

CREATE TABLE uplink_secrets (
    link TEXT NOT NULL,
    name TEXT NOT NULL,
    secret TEXT NOT NULL,
    CONSTRAINT pk_uplink_secrets PRIMARY KEY (link, name),
    CONSTRAINT fk_uplink_secrets_link_uplinks FOREIGN KEY(link) REFERENCES uplinks (name)
);

CREATE TABLE uplink_states (
    link TEXT NOT NULL,
    circuit TEXT NOT NULL,
    failures INTEGER NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE,
    last_ok_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT NOT NULL,
    holder TEXT NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE,
    last_number BIGINT NOT NULL,
    looped BIGINT NOT NULL,
    CONSTRAINT pk_uplink_states PRIMARY KEY (link),
    CONSTRAINT fk_uplink_states_link_uplinks FOREIGN KEY(link) REFERENCES uplinks (name)
);

CREATE TABLE uplink_parcels (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    link TEXT NOT NULL,
    key TEXT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    path TEXT[] NOT NULL,
    day DATE NOT NULL,
    element TEXT,
    size INTEGER NOT NULL,
    body BYTEA NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    resent INTEGER NOT NULL,
    queued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    reason TEXT NOT NULL,
    CONSTRAINT pk_uplink_parcels PRIMARY KEY (id),
    CONSTRAINT uq_uplink_parcels_number UNIQUE (link, key, number),
    CONSTRAINT fk_uplink_parcels_link_uplinks FOREIGN KEY(link) REFERENCES uplinks (name)
);
CREATE INDEX ix_uplink_parcels_waiting ON uplink_parcels (link, id) WHERE state = 'waiting';
CREATE INDEX ix_uplink_parcels_parked ON uplink_parcels (link, id) WHERE state = 'parked';
CREATE INDEX ix_uplink_parcels_link_day ON uplink_parcels (link, day);

CREATE TABLE uplink_receipts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    link TEXT NOT NULL,
    parcel BIGINT NOT NULL,
    number BIGINT NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome TEXT NOT NULL,
    answer TEXT NOT NULL,
    CONSTRAINT pk_uplink_receipts PRIMARY KEY (id)
);
CREATE INDEX ix_uplink_receipts_link_id ON uplink_receipts (link, id);

CREATE TABLE uplink_days (
    link TEXT NOT NULL,
    day DATE NOT NULL,
    touched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    checked_at TIMESTAMP WITH TIME ZONE,
    state TEXT NOT NULL,
    rounds INTEGER NOT NULL,
    CONSTRAINT pk_uplink_days PRIMARY KEY (link, day),
    CONSTRAINT fk_uplink_days_link_uplinks FOREIGN KEY(link) REFERENCES uplinks (name)
);

CREATE TABLE uplink_reconciliations (
    id UUID NOT NULL,
    link TEXT NOT NULL,
    day DATE NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT NOT NULL,
    round INTEGER NOT NULL,
    totals JSONB NOT NULL,
    cells JSONB NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT pk_uplink_reconciliations PRIMARY KEY (id)
);
CREATE INDEX ix_uplink_reconciliations_link_id ON uplink_reconciliations (link, id);

CREATE TABLE submission_hops (
    submission UUID NOT NULL,
    path TEXT[] NOT NULL,
    CONSTRAINT pk_submission_hops PRIMARY KEY (submission)
);
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)
    for table in ("uplinks", "uplink_states", "uplink_days"):
        grant(table, writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("uplink_parcels", writer="SELECT, INSERT, UPDATE, DELETE", reader="SELECT")
    # A password has to be spoken as it is, so it is kept as it is: where no reader can look.
    grant("uplink_secrets", writer="SELECT, INSERT, UPDATE")
    for table in ("uplink_receipts", "uplink_reconciliations", "submission_hops"):
        grant(table, writer="SELECT, INSERT", reader="SELECT")
