"""Files sent in parts, their answers, and other doors for observations."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    pass
