"""执法证登记: the certificates of officers as the department that issues them has them on record."""

from alembic import op
from kit.migrate import grant, lock
from policy.lock import condition

revision = "cases_0017"
down_revision = "cases_0016"

TABLE = """
CREATE TABLE certificate_entries (
    entry_no bigint GENERATED ALWAYS AS IDENTITY, number text NOT NULL, dept text NOT NULL, region text NOT NULL,
    subject text, holder_sha256 text, kind text NOT NULL, valid_from date NOT NULL, valid_until date NOT NULL,
    state text NOT NULL, state_from date NOT NULL, reason text NOT NULL, source text NOT NULL,
    entered_by text NOT NULL, entered_by_text text NOT NULL, entered_at timestamptz NOT NULL,
    CONSTRAINT pk_certificate_entries PRIMARY KEY (entry_no));
CREATE INDEX ix_certificate_entries_number_entry_no ON certificate_entries (number, entry_no);
CREATE INDEX ix_certificate_entries_dept_region ON certificate_entries (dept, region);
CREATE INDEX ix_certificate_entries_region_number ON certificate_entries (region, number);
"""


def upgrade() -> None:
    for statement in filter(str.strip, TABLE.split(";")):
        op.execute(statement)
    lock("certificate_entries", condition(region="region"))
    # A word once on record stays: nobody may change or remove one.
    grant("certificate_entries", writer="SELECT, INSERT", reader="SELECT")
