"""Commands from host to device, liveness, gaps and what was pulled back."""

from alembic import context, op

from kit.migrate import grant

revision = "0003"
down_revision = "0002"

TABLES = """
CREATE TABLE device_manners (
    mn TEXT NOT NULL,
    accepts_commands BOOLEAN NOT NULL,
    greets BOOLEAN NOT NULL,
    pulls_back BOOLEAN NOT NULL,
    answer_seconds INTEGER,
    resends INTEGER,
    realtime_interval INTEGER,
    minute_interval INTEGER,
    streams_realtime BOOLEAN,
    streams_status BOOLEAN,
    frame_interval INTEGER,
    CONSTRAINT pk_device_manners PRIMARY KEY (mn),
    CONSTRAINT fk_device_manners_mn_devices FOREIGN KEY(mn) REFERENCES devices (mn)
);

CREATE TABLE commands (
    id UUID NOT NULL,
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    mn TEXT NOT NULL,
    site TEXT NOT NULL,
    region TEXT NOT NULL,
    region_path TEXT[] NOT NULL,
    dept TEXT,
    uscc TEXT,
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    cn INTEGER NOT NULL,
    parameters JSONB NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    needs_approval BOOLEAN NOT NULL,
    approved_by TEXT,
    state TEXT NOT NULL,
    qn TEXT,
    holder TEXT,
    attempts INTEGER NOT NULL,
    answer_seconds INTEGER NOT NULL,
    resends INTEGER NOT NULL,
    execution_seconds INTEGER NOT NULL,
    packets INTEGER NOT NULL,
    qn_rtn INTEGER,
    exe_rtn INTEGER,
    result JSONB NOT NULL,
    gap UUID,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    accepted_at TIMESTAMP WITH TIME ZONE,
    executing_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    deadline_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_commands PRIMARY KEY (id),
    CONSTRAINT uq_commands_mn_qn UNIQUE (mn, qn)
);
CREATE INDEX ix_commands_mn_number ON commands (mn, number);
CREATE INDEX ix_commands_waiting ON commands (mn) WHERE state = 'requested';
CREATE UNIQUE INDEX uq_commands_open ON commands (mn) WHERE state IN ('sent', 'accepted', 'executing');

CREATE TABLE command_secrets (
    command UUID NOT NULL,
    value BYTEA NOT NULL,
    CONSTRAINT pk_command_secrets PRIMARY KEY (command)
);

CREATE TABLE command_steps (
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    command UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    step TEXT NOT NULL,
    detail JSONB NOT NULL,
    CONSTRAINT pk_command_steps PRIMARY KEY (number)
);
CREATE INDEX ix_command_steps_command_number ON command_steps (command, number);

CREATE TABLE pending_passwords (
    mn TEXT NOT NULL,
    command UUID NOT NULL,
    password_sha256 BYTEA NOT NULL,
    is_overdue BOOLEAN NOT NULL,
    CONSTRAINT pk_pending_passwords PRIMARY KEY (mn),
    CONSTRAINT fk_pending_passwords_mn_devices FOREIGN KEY(mn) REFERENCES devices (mn)
);

CREATE TABLE device_contacts (
    mn TEXT NOT NULL,
    heard_at TIMESTAMP WITH TIME ZONE NOT NULL,
    address TEXT NOT NULL,
    certificate TEXT,
    observed_interval DOUBLE PRECISION,
    drift_seconds DOUBLE PRECISION,
    drift_found_on DATE,
    greeted_at TIMESTAMP WITH TIME ZONE,
    silent_since TIMESTAMP WITH TIME ZONE,
    alarmed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_device_contacts PRIMARY KEY (mn)
);

CREATE TABLE gap_marks (
    mn TEXT NOT NULL,
    period TEXT NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_gap_marks PRIMARY KEY (mn, period)
);

CREATE TABLE gaps (
    id UUID NOT NULL,
    mn TEXT NOT NULL,
    period TEXT NOT NULL,
    start TIMESTAMP WITH TIME ZONE NOT NULL,
    stop TIMESTAMP WITH TIME ZONE NOT NULL,
    site TEXT NOT NULL,
    region TEXT NOT NULL,
    region_path TEXT[] NOT NULL,
    dept TEXT,
    uscc TEXT,
    series BIGINT[] NOT NULL,
    missing INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    asked_until TIMESTAMP WITH TIME ZONE,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_gaps PRIMARY KEY (id),
    CONSTRAINT uq_gaps_mn_period_start UNIQUE (mn, period, start)
);
CREATE INDEX ix_gaps_open ON gaps (next_try_at) WHERE state = 'open';
"""

# A silent device and a clock that runs wrong are findings that no single submission shows.
FINDINGS = "ALTER TABLE ingest_findings ALTER COLUMN submission DROP NOT NULL"

VISIBLE = """
ALTER TABLE commands ENABLE ROW LEVEL SECURITY;
CREATE POLICY commands_visible ON commands FOR SELECT TO "{reader}" USING (is_visible(region_path, uscc));
ALTER TABLE command_steps ENABLE ROW LEVEL SECURITY;
CREATE POLICY command_steps_visible ON command_steps FOR SELECT TO "{reader}"
    USING (EXISTS (SELECT FROM commands c WHERE c.id = command));
ALTER TABLE gaps ENABLE ROW LEVEL SECURITY;
CREATE POLICY gaps_visible ON gaps FOR SELECT TO "{reader}" USING (is_visible(region_path, uscc))
"""

# Nobody who runs may read values, so these say only which instants have one.
RECORDED_INSTANTS = """
CREATE FUNCTION recorded_instants(ids bigint[], first timestamptz, stop timestamptz)
RETURNS TABLE (series_id bigint, ts timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT o.series_id, o.ts FROM unnest(ids) AS k (id)
    CROSS JOIN LATERAL (
        SELECT n.series_id, n.ts FROM observations n WHERE n.series_id = k.id AND n.ts >= first AND n.ts < stop
    ) o
$$
"""
RUNNING_SERIES = """
CREATE FUNCTION running_series(ids bigint[], first timestamptz, stop timestamptz)
RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.id FROM unnest(ids) AS k (id)
    WHERE EXISTS (
        SELECT FROM observations n WHERE n.series_id = k.id AND n.ts >= first AND n.ts < stop AND n.mode <> 3
    )
$$
"""


def upgrade() -> None:
    service = context.config.attributes["service"]
    for statements in (TABLES, FINDINGS, VISIBLE.format(reader=f"{service}_reader")):
        for statement in statements.split(";"):
            if statement.strip():
                op.execute(statement)
    grant("device_manners", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("commands", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("command_secrets", writer="SELECT, INSERT, DELETE")
    grant("command_steps", writer="SELECT, INSERT", reader="SELECT")
    grant("pending_passwords", writer="SELECT, INSERT, UPDATE, DELETE")
    grant("device_contacts", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("gap_marks", writer="SELECT, INSERT, UPDATE")
    grant("gaps", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    for function, signature in (
        (RECORDED_INSTANTS, "recorded_instants(bigint[], timestamptz, timestamptz)"),
        (RUNNING_SERIES, "running_series(bigint[], timestamptz, timestamptz)"),
    ):
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        grant(f"FUNCTION {signature}", writer="EXECUTE")
