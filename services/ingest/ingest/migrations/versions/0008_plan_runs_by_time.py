"""Runs of plans in the order in which they are listed."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_plan_runs_newest ON plan_runs (start DESC, plan, item)")
