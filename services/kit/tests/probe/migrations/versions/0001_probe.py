"""Effects and bonds."""

import sqlalchemy as sa
from alembic import op
from kit.migrate import grant

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "effects",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_effects"),
    )
    op.create_table(
        "bonds",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("other", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bonds"),
        sa.ForeignKeyConstraint(
            ["other"], ["bonds.id"], name="fk_bonds_other_bonds", deferrable=True, initially="DEFERRED"
        ),
    )
    grant("effects", writer="SELECT, INSERT", reader="SELECT")
    grant("bonds", writer="SELECT, INSERT", reader="SELECT")
