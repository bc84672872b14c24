"""Figures withheld until an analyst decides."""

from alembic import op
from kit.migrate import grant

revision = "0003"
down_revision = "0002"

HOLDS = """
    CREATE TABLE holds (
        hold_id text NOT NULL,
        kind text,
        site text NOT NULL,
        region text NOT NULL,
        uscc text,
        factor text,
        from_at timestamptz,
        to_at timestamptz,
        due_at timestamptz,
        reason_zh text,
        reason_en text,
        source_clause text,
        placed_at timestamptz,
        decision text,
        released bigint[] NOT NULL DEFAULT '{}',
        released_tests bigint NOT NULL DEFAULT 0,
        decision_reason text,
        decided_at timestamptz,
        CONSTRAINT pk_holds PRIMARY KEY (hold_id)
    )
"""


def upgrade() -> None:
    op.execute(HOLDS)
    op.execute("CREATE INDEX ix_holds_site_factor ON holds (site, factor)")
    grant("holds", writer="SELECT, INSERT, UPDATE", reader="SELECT")
