"""Cross-region grants and their ends: add only. An event of the audit names the grants it passed under."""

import sqlalchemy as sa
from alembic import op
from kit.migrate import grant
from sqlalchemy.dialects.postgresql import ARRAY

revision = "gateway_0004"
down_revision = "gateway_0003"
TEXTS = ("person", "purpose", "order_no", "legal_ground", "given_in", "given_by", "given_by_subject", "subject")


def upgrade() -> None:
    op.add_column("audit", sa.Column("grants", ARRAY(sa.Text()), nullable=True))
    op.add_column("audit", sa.Column("beyond", ARRAY(sa.Text()), nullable=True))
    op.create_index("ix_audit_grants", "audit", ["grants"], postgresql_using="gin")
    op.create_table(
        "region_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in TEXTS),
        sa.Column("regions", ARRAY(sa.Text()), nullable=False),
        sa.Column("permissions", ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("valid_from < valid_to", name="ck_region_grants_window"),
        sa.PrimaryKeyConstraint("id", name="pk_region_grants"),
    )
    op.create_index("ix_region_grants_valid_to", "region_grants", ["valid_to"])
    op.create_table(
        "region_grant_ends",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["region_grants.id"], name="fk_region_grant_ends_grant_id_region_grants"
        ),
        sa.PrimaryKeyConstraint("grant_id", name="pk_region_grant_ends"),
    )
    for table in ("region_grants", "region_grant_ends"):
        grant(table, writer="INSERT", reader="SELECT")
