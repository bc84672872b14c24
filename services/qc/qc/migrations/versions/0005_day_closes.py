"""Day closes, findings of the falsification tests, and where a suspicion comes from.

Revision ID: qc_0002
Revises: qc_0003
"""

from alembic import op
from kit.migrate import grant

revision = "qc_0005"
down_revision = "qc_0004"

TABLES = """
        CREATE TABLE day_panels (
            panel_id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_day_panels PRIMARY KEY,
            region text NOT NULL,
            profile text NOT NULL,
            period text NOT NULL,
            closed_through date,
            passes bigint NOT NULL
        );

        CREATE TABLE day_panel_members (
            series_id bigint CONSTRAINT pk_day_panel_members PRIMARY KEY,
            panel_id integer NOT NULL,
            site text NOT NULL,
            factor text NOT NULL
        );
        CREATE INDEX ix_day_panel_members_panel_id ON day_panel_members (panel_id);

        CREATE TABLE late_days (
            mark_no bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_late_days PRIMARY KEY,
            series_id bigint NOT NULL,
            day date NOT NULL,
            reason text NOT NULL,
            marked_at timestamptz NOT NULL
        );
        CREATE INDEX ix_late_days_series_id ON late_days (series_id);

        CREATE TABLE day_closes (
            close_id uuid CONSTRAINT pk_day_closes PRIMARY KEY,
            panel_id integer NOT NULL,
            region text NOT NULL,
            profile text NOT NULL,
            period text NOT NULL,
            day date NOT NULL,
            number integer NOT NULL,
            reason text NOT NULL,
            closed_at timestamptz NOT NULL,
            since date NOT NULL,
            through date NOT NULL,
            site_count integer NOT NULL,
            series_count integer NOT NULL,
            value_count bigint NOT NULL,
            finding_count integer NOT NULL,
            suspicion_count integer NOT NULL,
            expected_false double precision NOT NULL,
            not_run jsonb NOT NULL,
            rule_pack text NOT NULL,
            CONSTRAINT uq_day_closes_panel_id_day_number UNIQUE (panel_id, day, number)
        );
        CREATE INDEX ix_day_closes_region_close_id ON day_closes (region, close_id);

        CREATE TABLE falsification_findings (
            finding_id uuid CONSTRAINT pk_falsification_findings PRIMARY KEY,
            is_current boolean NOT NULL,
            panel_id integer NOT NULL,
            series_id bigint NOT NULL,
            site text NOT NULL,
            region text NOT NULL,
            test text NOT NULL,
            kind text NOT NULL,
            day date NOT NULL,
            from_at timestamptz NOT NULL,
            to_at timestamptz NOT NULL,
            statistic double precision NOT NULL,
            threshold double precision NOT NULL,
            p double precision,
            strength double precision NOT NULL,
            weight double precision NOT NULL,
            evidence jsonb NOT NULL,
            figures jsonb NOT NULL,
            since date NOT NULL,
            through date NOT NULL,
            rule_pack text NOT NULL,
            found_at timestamptz NOT NULL,
            replaced_at timestamptz
        );
        CREATE INDEX ix_falsification_findings_current ON falsification_findings (panel_id, day)
            WHERE is_current;
        CREATE INDEX ix_falsification_findings_series_id_finding_id
            ON falsification_findings (series_id, finding_id);
        CREATE INDEX ix_falsification_findings_region_finding_id
            ON falsification_findings (region, finding_id);
        CREATE INDEX ix_falsification_findings_site_finding_id ON falsification_findings (site, finding_id);

        ALTER TABLE suspicions ADD origin text NOT NULL DEFAULT 'streaming', ADD kind text, ADD beside uuid;
"""


def upgrade() -> None:
    for statement in filter(str.strip, TABLES.split(";")):
        op.execute(statement)
    grant("day_panels", writer="SELECT, INSERT, UPDATE (closed_through, passes)", reader="SELECT")
    grant("day_panel_members", writer="SELECT, INSERT", reader="SELECT")
    grant("late_days", writer="SELECT, INSERT, DELETE", reader="SELECT")
    grant("day_closes", writer="SELECT, INSERT", reader="SELECT")
    grant("falsification_findings", writer="SELECT, INSERT", reader="SELECT")
    grant("falsification_findings", writer="UPDATE (is_current, replaced_at)")
