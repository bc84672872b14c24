"""Files sent in parts, their answers, and other doors for observations."""

from alembic import op

from kit.migrate import grant

revision = "0004"
down_revision = "0003"

# Whose row was refused, as far as the row said so: refusals can be listed by site.
REFUSALS = "ALTER TABLE refused_rows ADD COLUMN site TEXT"


def upgrade() -> None:
    op.execute(REFUSALS)
