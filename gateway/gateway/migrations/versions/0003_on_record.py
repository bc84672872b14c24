"""Reads on record, the chain of the audit and its seals, usage by day: add only, like the audit itself."""

import sqlalchemy as sa
from alembic import op
from kit.migrate import grant
from sqlalchemy.dialects.postgresql import ARRAY

revision = "gateway_0003"
down_revision = "gateway_0002"
TEXTS = ("trace_id", "dept", "region", "uscc", "route", "kind", "purpose", "case_id", "unit")


def upgrade() -> None:
    for name in TEXTS:
        op.add_column("audit", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("audit", sa.Column("refs", ARRAY(sa.Text()), nullable=True))
    op.add_column("audit", sa.Column("chain", sa.Uuid(), nullable=True))
    op.add_column("audit", sa.Column("number", sa.BigInteger(), nullable=True))
    op.add_column("audit", sa.Column("digest", sa.LargeBinary(), nullable=True))
    op.create_index("ix_audit_dept_id", "audit", ["dept", "id"])
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_chain_number", "audit", ["chain", "number"], unique=True)
    op.create_index("ix_audit_refs", "audit", ["refs"], postgresql_using="gin")
    op.create_table(
        "audit_seals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_seals"),
    )
    op.create_index("ix_audit_seals_chain_number", "audit_seals", ["chain", "number"])
    op.create_table(
        "usage_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("dept", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reads", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "dept", "permission", name="pk_usage_days"),
    )
    for table in ("audit_seals", "usage_days"):
        grant(table, writer="INSERT", reader="SELECT")
