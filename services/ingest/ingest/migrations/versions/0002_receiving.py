"""What the HJ 212 receiver keeps of devices and frames beyond the first version."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass
