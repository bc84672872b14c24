"""Tokens that were called back: the writer may only add, the reader may only read."""

import sqlalchemy as sa
from alembic import op
from kit.migrate import grant

revision = "gateway_0002"
down_revision = "gateway_0001"


def upgrade() -> None:
    op.create_table(
        "revocations",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('subject', 'session', 'client', 'all')", name="ck_revocations_kind"),
        sa.PrimaryKeyConstraint("not_before", "kind", "value", name="pk_revocations"),
    )
    grant("revocations", writer="INSERT", reader="SELECT")
