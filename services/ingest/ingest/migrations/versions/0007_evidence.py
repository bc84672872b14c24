"""Leaves of the evidence log and receipts."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    pass
