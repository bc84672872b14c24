"""Who took a step with a release: the person, not only what they may do, for the separation of duties."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # Steps of before are known by the text alone.
    op.execute("ALTER TABLE release_steps ADD COLUMN subject text")
