"""Bans of persons from the trade."""

from alembic import op
from kit.migrate import grant

revision = "credit_0003"
down_revision = "credit_0002"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE bans (
            ban_id uuid CONSTRAINT pk_bans PRIMARY KEY,
            person text NOT NULL,
            name text NOT NULL,
            region text NOT NULL,
            ground text NOT NULL,
            decision_no text NOT NULL,
            legal_basis text NOT NULL,
            valid_from date NOT NULL,
            valid_to date,
            entered_at timestamptz NOT NULL,
            entered_by text NOT NULL,
            lifted_at timestamptz,
            lifted_by text,
            lifted_reason text,
            CONSTRAINT uq_bans_decision_no_person UNIQUE (decision_no, person)
        )
        """
    )
    op.execute("CREATE INDEX ix_bans_region_ban_id ON bans (region, ban_id)")
    grant("bans", writer="SELECT, INSERT", reader="SELECT")
    grant("bans", writer="UPDATE (lifted_at, lifted_by, lifted_reason)")
