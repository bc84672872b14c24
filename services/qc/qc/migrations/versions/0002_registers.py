"""Registers: records of declared kinds, their history, deadlines and findings; known sites and methods.

Revision ID: qc_0004
Revises: qc_0001
"""

from alembic import op
from kit.migrate import grant

revision = "qc_0002"
down_revision = "qc_0001"

OWNED = """
            region text NOT NULL,
            dept text,
            uscc text,
            parties text[] NOT NULL
"""

TABLES = f"""
        CREATE TABLE register_records (
            kind text NOT NULL,
            code text NOT NULL,
            site text,
            about text,
            happened_at timestamptz,
            flags text[] NOT NULL,
            body jsonb NOT NULL,
            judged jsonb NOT NULL,
            change_no bigint NOT NULL,
            entered_at timestamptz NOT NULL,
            entered_by text NOT NULL,
            {OWNED},
            CONSTRAINT pk_register_records PRIMARY KEY (kind, code)
        );
        CREATE INDEX ix_register_records_kind_uscc ON register_records (kind, uscc);
        CREATE INDEX ix_register_records_kind_site ON register_records (kind, site);
        CREATE INDEX ix_register_records_kind_about_happened_at ON register_records (kind, about, happened_at);

        CREATE TABLE register_changes (
            change_no bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_register_changes PRIMARY KEY,
            kind text NOT NULL,
            code text NOT NULL,
            changed_at timestamptz NOT NULL,
            changed_by text NOT NULL,
            after jsonb NOT NULL,
            {OWNED}
        );
        CREATE INDEX ix_register_changes_kind_code_change_no ON register_changes (kind, code, change_no);

        CREATE TABLE register_deadlines (
            kind text NOT NULL,
            code text NOT NULL,
            clock text NOT NULL,
            site text,
            due_at timestamptz NOT NULL,
            met_at timestamptz,
            missed_at timestamptz,
            finding text NOT NULL,
            detail jsonb NOT NULL,
            {OWNED},
            CONSTRAINT pk_register_deadlines PRIMARY KEY (kind, code, clock)
        );
        CREATE INDEX ix_register_deadlines_running ON register_deadlines (due_at)
            WHERE met_at IS NULL AND missed_at IS NULL;

        CREATE TABLE register_findings (
            finding_id uuid CONSTRAINT pk_register_findings PRIMARY KEY,
            finding text NOT NULL,
            kind text NOT NULL,
            code text NOT NULL,
            cause text NOT NULL,
            site text,
            found_at timestamptz NOT NULL,
            due_at timestamptz,
            closed_at timestamptz,
            detail jsonb NOT NULL,
            message_zh text NOT NULL,
            message_en text NOT NULL,
            source text NOT NULL,
            {OWNED}
        );
        CREATE UNIQUE INDEX uq_register_findings_open ON register_findings (kind, code, finding, cause)
            WHERE closed_at IS NULL;
        CREATE INDEX ix_register_findings_region_finding_id ON register_findings (region, finding_id);
        CREATE INDEX ix_register_findings_uscc_finding_id ON register_findings (uscc, finding_id);

        CREATE TABLE known_sites (
            code text CONSTRAINT pk_known_sites PRIMARY KEY,
            region text NOT NULL,
            element text NOT NULL,
            uscc text,
            is_assessed boolean NOT NULL
        );

        CREATE TABLE known_methods (
            code text CONSTRAINT pk_known_methods PRIMARY KEY,
            standard_no text NOT NULL,
            factors text[] NOT NULL,
            change_no bigint NOT NULL
        );
        CREATE INDEX ix_known_methods_standard_no ON known_methods (standard_no);
"""


def upgrade() -> None:
    for statement in filter(str.strip, TABLES.split(";")):
        op.execute(statement)
    for table in ("register_records", "register_deadlines", "register_findings", "known_sites", "known_methods"):
        grant(table, writer="SELECT, INSERT, UPDATE", reader="SELECT")
    grant("register_changes", writer="SELECT, INSERT", reader="SELECT")
