"""The registry, and the evidence that no runtime role can change."""

from alembic import context, op

from kit.migrate import grant

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE flood_counts (
    sender TEXT NOT NULL,
    day DATE NOT NULL,
    rule TEXT NOT NULL,
    kept INTEGER NOT NULL,
    counted BIGINT NOT NULL,
    CONSTRAINT pk_flood_counts PRIMARY KEY (sender, day, rule)
);

CREATE TABLE idempotent_answers (
    sender TEXT NOT NULL,
    key TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    answer BYTEA NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_idempotent_answers PRIMARY KEY (sender, key)
);

CREATE TABLE ingest_findings (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    site TEXT,
    region_path TEXT[] NOT NULL,
    uscc TEXT,
    submission UUID NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    detail JSONB NOT NULL,
    CONSTRAINT pk_ingest_findings PRIMARY KEY (id)
);

CREATE TABLE latest_values (
    series_id BIGINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    value DOUBLE PRECISION,
    decimals SMALLINT NOT NULL,
    flag TEXT NOT NULL,
    CONSTRAINT pk_latest_values PRIMARY KEY (series_id)
);

CREATE TABLE observations (
    series_id BIGINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    value DOUBLE PRECISION,
    decimals SMALLINT NOT NULL,
    flag TEXT NOT NULL,
    mode SMALLINT NOT NULL,
    submission UUID NOT NULL,
    row_no INTEGER NOT NULL,
    CONSTRAINT pk_observations PRIMARY KEY (series_id, ts)
)
 PARTITION BY RANGE (ts);
CREATE INDEX ix_observations_ts ON observations USING brin (ts);

CREATE TABLE organisations (
    uscc TEXT NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    CONSTRAINT pk_organisations PRIMARY KEY (uscc)
);

CREATE TABLE raw_bytes (
    submission UUID NOT NULL,
    encoding TEXT NOT NULL,
    data BYTEA NOT NULL,
    CONSTRAINT pk_raw_bytes PRIMARY KEY (submission)
);

CREATE TABLE refused_rows (
    submission UUID NOT NULL,
    row_no INTEGER NOT NULL,
    field TEXT NOT NULL,
    rule TEXT NOT NULL,
    found TEXT NOT NULL,
    CONSTRAINT pk_refused_rows PRIMARY KEY (submission, row_no)
);

CREATE TABLE registry_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by TEXT NOT NULL,
    before JSONB,
    after JSONB NOT NULL,
    CONSTRAINT pk_registry_changes PRIMARY KEY (id)
);
CREATE INDEX ix_registry_changes_kind_code ON registry_changes (kind, code);

CREATE TABLE revisions (
    submission UUID NOT NULL,
    row_no INTEGER NOT NULL,
    series_id BIGINT NOT NULL,
    ts TIMESTAMP WITH TIME ZONE NOT NULL,
    first_value DOUBLE PRECISION,
    later_value DOUBLE PRECISION,
    decimals SMALLINT NOT NULL,
    flag TEXT NOT NULL,
    CONSTRAINT pk_revisions PRIMARY KEY (submission, row_no)
);
CREATE INDEX ix_revisions_series_id_ts ON revisions (series_id, ts);

CREATE TABLE submissions (
    id UUID NOT NULL,
    channel TEXT NOT NULL,
    principal TEXT NOT NULL,
    dept TEXT,
    region TEXT,
    region_path TEXT[] NOT NULL,
    uscc TEXT,
    source TEXT,
    device TEXT,
    address TEXT,
    mode TEXT NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sha256 BYTEA NOT NULL,
    size INTEGER NOT NULL,
    content_encoding TEXT NOT NULL,
    idempotency_key TEXT,
    outcome TEXT NOT NULL,
    notes TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    revised INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    trace_id TEXT NOT NULL,
    CONSTRAINT pk_submissions PRIMARY KEY (id)
);

CREATE TABLE sites (
    code TEXT NOT NULL,
    kind TEXT NOT NULL,
    element TEXT NOT NULL,
    region TEXT NOT NULL,
    region_path TEXT[] NOT NULL,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    longitude DOUBLE PRECISION,
    latitude DOUBLE PRECISION,
    dept TEXT,
    uscc TEXT,
    is_assessed BOOLEAN NOT NULL,
    CONSTRAINT pk_sites PRIMARY KEY (code),
    CONSTRAINT fk_sites_uscc_organisations FOREIGN KEY(uscc) REFERENCES organisations (uscc)
);
CREATE INDEX ix_sites_region ON sites (region);

CREATE TABLE devices (
    mn TEXT NOT NULL,
    site TEXT NOT NULL,
    source TEXT NOT NULL,
    password_sha256 BYTEA,
    label TEXT NOT NULL,
    addresses TEXT[] NOT NULL,
    accepts_modbus_crc BOOLEAN NOT NULL,
    accepts_long_segments BOOLEAN NOT NULL,
    vendor TEXT,
    model TEXT,
    CONSTRAINT pk_devices PRIMARY KEY (mn),
    CONSTRAINT fk_devices_site_sites FOREIGN KEY(site) REFERENCES sites (code)
);

CREATE TABLE series (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    site TEXT NOT NULL,
    factor TEXT NOT NULL,
    statistic TEXT NOT NULL,
    basis TEXT NOT NULL,
    period TEXT NOT NULL,
    source TEXT NOT NULL,
    period_seconds INTEGER NOT NULL,
    unit TEXT NOT NULL,
    sent_unit TEXT NOT NULL,
    decimals SMALLINT NOT NULL,
    low DOUBLE PRECISION,
    high DOUBLE PRECISION,
    detection_limit DOUBLE PRECISION,
    resolution DOUBLE PRECISION,
    permit_limit DOUBLE PRECISION,
    CONSTRAINT pk_series PRIMARY KEY (id),
    CONSTRAINT uq_series_key UNIQUE (site, factor, statistic, basis, period, source),
    CONSTRAINT fk_series_site_sites FOREIGN KEY(site) REFERENCES sites (code)
);
"""

# Raw bytes are compressed by us already.
STORAGE = "ALTER TABLE raw_bytes ALTER COLUMN data SET STORAGE EXTERNAL"

# Who is asking is set per transaction by kit (set_config); services of ours see every region.
VISIBLE = """
CREATE FUNCTION is_visible(path text[], owner text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('jianzhen.region', true) = ANY (path), false)
        OR coalesce(nullif(current_setting('jianzhen.uscc', true), '') = owner, false)
        OR string_to_array(current_setting('jianzhen.roles', true), ',') && ARRAY['platform.service', 'platform.admin']
$$;
"""

BY_REGION = """
ALTER TABLE submissions ENABLE ROW LEVEL SECURITY;
CREATE POLICY submissions_visible ON submissions FOR SELECT TO "{reader}" USING (is_visible(region_path, uscc));
ALTER TABLE raw_bytes ENABLE ROW LEVEL SECURITY;
CREATE POLICY raw_bytes_visible ON raw_bytes FOR SELECT TO "{reader}"
    USING (EXISTS (SELECT FROM submissions s WHERE s.id = submission));
ALTER TABLE refused_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY refused_rows_visible ON refused_rows FOR SELECT TO "{reader}"
    USING (EXISTS (SELECT FROM submissions s WHERE s.id = submission));
ALTER TABLE ingest_findings ENABLE ROW LEVEL SECURITY;
CREATE POLICY ingest_findings_visible ON ingest_findings FOR SELECT TO "{reader}"
    USING (is_visible(region_path, uscc));
"""

# COPY refuses tables with row security, so values are read through views that a reader cannot see behind.
VIEWS = """
CREATE VIEW visible_series WITH (security_barrier) AS
    SELECT s.*, t.region, t.dept, t.uscc FROM series s JOIN sites t ON t.code = s.site
    WHERE is_visible(t.region_path, t.uscc);
CREATE VIEW visible_observations WITH (security_barrier) AS
    SELECT o.* FROM observations o JOIN series s ON s.id = o.series_id JOIN sites t ON t.code = s.site
    WHERE is_visible(t.region_path, t.uscc);
CREATE VIEW visible_revisions WITH (security_barrier) AS
    SELECT r.* FROM revisions r JOIN series s ON s.id = r.series_id JOIN sites t ON t.code = s.site
    WHERE is_visible(t.region_path, t.uscc);
CREATE VIEW visible_latest_values WITH (security_barrier) AS
    SELECT l.* FROM latest_values l JOIN series s ON s.id = l.series_id JOIN sites t ON t.code = s.site
    WHERE is_visible(t.region_path, t.uscc);
"""

# Partitions are made by the owner's function, so that the writer owns nothing it could drop or change.
MONTHS = """
CREATE SCHEMA observations_by_month;
CREATE FUNCTION ensure_month(of timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    first timestamptz := date_trunc('month', of);
    name text := 'observations_' || to_char(first, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ingest.ensure_month'), 0);
    -- Not to_regclass: its cache is not refreshed by waiting for an advisory lock.
    IF EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'observations_by_month'::regnamespace)
    THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE observations_by_month.%I (LIKE observations INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE observations ATTACH PARTITION observations_by_month.%I FOR VALUES FROM (%L) TO (%L)',
                   name, first, first + interval '1 month');
END
$$;
"""

FIRST_VALUES = """
CREATE FUNCTION first_values(ids bigint[], instants timestamptz[])
RETURNS TABLE (series_id bigint, ts timestamptz, value float8, flag text, submission uuid, row_no int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
-- Few keys, very many values: always by the key, never by reading a month.
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    SELECT o.series_id, o.ts, o.value, o.flag, o.submission, o.row_no
    FROM unnest(ids, instants) AS k (id, instant)
    JOIN observations o ON o.series_id = k.id AND o.ts = k.instant
$$;
CREATE FUNCTION newest_values(ids bigint[])
RETURNS TABLE (series_id bigint, ts timestamptz, value float8, decimals smallint, flag text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.series_id, o.ts, o.value, o.decimals, o.flag
    FROM unnest(ids) AS k (id)
    CROSS JOIN LATERAL (SELECT * FROM observations n WHERE n.series_id = k.id ORDER BY n.ts DESC LIMIT 1) o
$$;
"""

REGISTRY = ("organisations", "sites", "devices", "series")


def upgrade() -> None:
    service = context.config.attributes["service"]
    for statements in (TABLES, STORAGE, VISIBLE, VIEWS, MONTHS, FIRST_VALUES, BY_REGION):
        _run(statements.format(reader=f"{service}_reader") if statements is BY_REGION else statements)
    for table in REGISTRY:
        grant(table, writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("registry_changes", writer="SELECT, INSERT", reader="SELECT")
    for table in ("submissions", "raw_bytes", "refused_rows", "ingest_findings"):
        grant(table, writer="INSERT", reader="SELECT")
    for table in ("observations", "revisions"):
        grant(table, writer="INSERT")
    for view in ("visible_series", "visible_observations", "visible_revisions", "visible_latest_values"):
        grant(view, reader="SELECT")
    grant("latest_values", writer="SELECT, INSERT, UPDATE")
    grant("idempotent_answers", writer="SELECT, INSERT")
    grant("flood_counts", writer="SELECT, INSERT, UPDATE")
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    grant("FUNCTION is_visible(text[], text)", reader="EXECUTE")
    for function in (
        "ensure_month(timestamptz)",
        "first_values(bigint[], timestamptz[])",
        "newest_values(bigint[])",
    ):
        grant(f"FUNCTION {function}", writer="EXECUTE")


def _run(statements: str) -> None:
    for statement in _split(statements):
        op.execute(statement)


def _split(statements: str) -> list[str]:
    """Statements of a script; `$$ … $$` bodies hold semicolons of their own."""
    parts = statements.split("$$")
    done, now = [], ""
    for turn, part in enumerate(parts):
        if turn % 2:
            now += f"$${part}$$"
            continue
        *ended, rest = part.split(";")
        for piece in ended:
            done.append(now + piece)
            now = ""
        now += rest
    return [text for text in (*done, now) if text.strip()]
