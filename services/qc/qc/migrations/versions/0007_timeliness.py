"""Late arrivals by day of receipt.

Revision ID: qc_0007
Revises: qc_0005
"""

from alembic import op
from kit.migrate import grant

revision = "qc_0007"
down_revision = "qc_0006"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE late_arrivals (
            site text NOT NULL,
            source text NOT NULL,
            period text NOT NULL,
            device text NOT NULL,
            day date NOT NULL,
            region text NOT NULL,
            uscc text,
            late bigint NOT NULL,
            allowed_seconds integer NOT NULL,
            longest_seconds bigint NOT NULL,
            from_at timestamptz NOT NULL,
            to_at timestamptz NOT NULL,
            received_at timestamptz NOT NULL,
            CONSTRAINT pk_late_arrivals PRIMARY KEY (site, source, period, device, day)
        )
        """
    )
    op.execute("CREATE INDEX ix_late_arrivals_day ON late_arrivals (day)")
    grant("late_arrivals", writer="SELECT, INSERT, UPDATE", reader="SELECT")
