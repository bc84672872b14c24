"""The last lock: the reader sees seals of the audit where it may see every row, and none otherwise.

Not the audit itself: behind row security PostgreSQL no longer uses its index on what requests named (arrays
are compared by functions that are not leakproof), and sorts the whole table for a page; docs/adr/0056.
"""

from kit.migrate import lock
from policy.lock import condition

revision = "gateway_0005"
down_revision = "gateway_0004"


def upgrade() -> None:
    lock("audit_seals", condition())
