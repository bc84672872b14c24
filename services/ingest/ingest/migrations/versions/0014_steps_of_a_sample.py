"""The steps of one sample are found without reading those of all: who did them is asked at every step."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_registry_records_sample ON registry_records ((body ->> 'sample')) "
        "WHERE kind = 'lims-steps'"
    )
