"""Officers as tokens and bans tell of them: a certificate is judged by its last day also of who holds no token."""

from alembic import op
from kit.migrate import grant

revision = "cases_0016"
down_revision = "cases_0015"

TABLES = """
CREATE TABLE officer_certificates (
    number text NOT NULL, subject text NOT NULL, valid_until text NOT NULL, seen_at timestamptz NOT NULL,
    CONSTRAINT pk_officer_certificates PRIMARY KEY (number));
CREATE TABLE known_bans (
    ban_id text NOT NULL, person text NOT NULL, decision_no text, legal_basis text, valid_from date, valid_to date,
    lifted_at_ms bigint,
    CONSTRAINT pk_known_bans PRIMARY KEY (ban_id));
CREATE INDEX ix_known_bans_person ON known_bans (person);
"""


def upgrade() -> None:
    for statement in filter(str.strip, TABLES.split(";")):
        op.execute(statement)
    # Only acts ask; no route shows them.
    for table in ("officer_certificates", "known_bans"):
        grant(table, writer="SELECT, INSERT, UPDATE")
