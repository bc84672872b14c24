"""The last lock: the reader sees the audit where it may see every row, and nothing of it otherwise."""

from kit.migrate import lock
from policy.lock import condition

revision = "gateway_0004"
down_revision = "gateway_0003"


def upgrade() -> None:
    lock("audit", condition())
    lock("audit_seals", condition())
