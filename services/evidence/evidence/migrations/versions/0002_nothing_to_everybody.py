"""Functions are everybody's unless told otherwise; a trigger needs no right of whoever sets it off."""

from alembic import op

revision = "evidence_0002"
down_revision = "evidence_0001"


def upgrade() -> None:
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
