"""Commands from host to device, liveness, gaps and what was pulled back."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
