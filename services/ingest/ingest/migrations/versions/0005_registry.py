"""The registry in full: dated objects, records of declared kinds, runs of plans, reports of cameras."""

from alembic import op

from kit.migrate import grant

revision = "0005"
down_revision = "0004"

ORGANISATIONS = """
ALTER TABLE organisations
    ADD COLUMN legal_representative TEXT,
    ADD COLUMN permit_no TEXT,
    ADD COLUMN permit_from DATE,
    ADD COLUMN permit_to DATE,
    ADD COLUMN industry TEXT,
    ADD COLUMN source_type TEXT,
    ADD COLUMN subject_types TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN valid_from DATE,
    ADD COLUMN valid_to DATE
"""

SITES = """
ALTER TABLE sites
    ADD COLUMN level TEXT,
    ADD COLUMN authority TEXT,
    ADD COLUMN assessed_by TEXT,
    ADD COLUMN duty TEXT,
    ADD COLUMN area TEXT,
    ADD COLUMN categories TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN outlet_code TEXT,
    ADD COLUMN hole_conforms BOOLEAN,
    ADD COLUMN platform_conforms BOOLEAN,
    ADD COLUMN is_main_point BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN valid_from DATE,
    ADD COLUMN valid_to DATE;
CREATE INDEX ix_sites_area ON sites (area)
"""

DEVICES = """
ALTER TABLE devices
    ADD COLUMN certificate_no TEXT,
    ADD COLUMN certificate_to DATE,
    ADD COLUMN instruments JSONB NOT NULL DEFAULT '[]',
    ADD COLUMN valid_from DATE,
    ADD COLUMN valid_to DATE
"""

SERIES = """
ALTER TABLE series
    ADD COLUMN method TEXT,
    ADD COLUMN sampling_seconds INTEGER,
    ADD COLUMN permit_from DATE,
    ADD COLUMN permit_to DATE,
    ADD COLUMN valid_from DATE,
    ADD COLUMN valid_to DATE
"""

# Whose a change was when it was made: what was known on a day is shown to who might have seen it then.
CHANGES = """
ALTER TABLE registry_changes
    ADD COLUMN region TEXT,
    ADD COLUMN dept TEXT,
    ADD COLUMN uscc TEXT,
    ADD COLUMN counterpart TEXT,
    ADD COLUMN recipients TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN is_published BOOLEAN NOT NULL DEFAULT false;
UPDATE registry_changes c SET region = s.region, dept = s.dept, uscc = s.uscc
    FROM sites s WHERE s.code = coalesce(c.after ->> 'site', c.code);
UPDATE registry_changes SET region = after ->> 'region', uscc = code WHERE kind = 'organisations'
"""

TABLES = """
CREATE TABLE registry_records (
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    region TEXT,
    dept TEXT,
    uscc TEXT,
    counterpart TEXT,
    recipients TEXT[] NOT NULL,
    is_published BOOLEAN NOT NULL,
    site TEXT,
    state TEXT NOT NULL,
    flags TEXT[] NOT NULL,
    valid_from DATE,
    valid_to DATE,
    body JSONB NOT NULL,
    entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    entered_by TEXT NOT NULL,
    CONSTRAINT pk_registry_records PRIMARY KEY (kind, code),
    CONSTRAINT fk_registry_records_site_sites FOREIGN KEY(site) REFERENCES sites (code),
    CONSTRAINT fk_registry_records_uscc_organisations FOREIGN KEY(uscc) REFERENCES organisations (uscc)
);
CREATE INDEX ix_registry_records_kind_site ON registry_records (kind, site);
CREATE INDEX ix_registry_changes_kind_id ON registry_changes (kind, id);
CREATE INDEX ix_registry_records_kind_uscc ON registry_records (kind, uscc);

CREATE TABLE plan_runs (
    plan TEXT NOT NULL,
    item TEXT NOT NULL,
    start TIMESTAMP WITH TIME ZONE NOT NULL,
    stop TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    site TEXT NOT NULL,
    factor TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    found INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE,
    late_hours DOUBLE PRECISION,
    CONSTRAINT pk_plan_runs PRIMARY KEY (plan, item, start),
    CONSTRAINT fk_plan_runs_site_sites FOREIGN KEY(site) REFERENCES sites (code)
);
CREATE INDEX ix_plan_runs_site ON plan_runs (site);

CREATE TABLE video_reports (
    device TEXT NOT NULL,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    is_online BOOLEAN NOT NULL,
    reported_by TEXT NOT NULL,
    CONSTRAINT pk_video_reports PRIMARY KEY (device, reported_at)
);

CREATE TABLE said_once (
    key TEXT NOT NULL,
    said_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_said_once PRIMARY KEY (key)
)
"""

# What the registry finds rests on no submission.
FINDINGS = "ALTER TABLE ingest_findings ALTER COLUMN submission DROP NOT NULL"


def upgrade() -> None:
    for script in (ORGANISATIONS, SITES, DEVICES, SERIES, CHANGES, TABLES, FINDINGS):
        for statement in script.split(";"):
            op.execute(statement)
    grant("registry_records", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("plan_runs", writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("video_reports", writer="SELECT, INSERT", reader="SELECT")
    grant("said_once", writer="SELECT, INSERT")
