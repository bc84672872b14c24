"""The last lock: the reader sees records of the registry within reach; see policy.lock.

Without it: changes, of which the newest decides whose an object was at a moment. With the newest hidden an
older one would be taken for it, and what was handed over would be shown to who had it before.
"""

from kit.migrate import lock
from policy.lock import condition

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    seen = condition(
        region="region",
        uscc="uscc",
        dept="dept",
        parties="ARRAY[counterpart]",
        addressees="recipients",
        published="is_published",
    )
    lock("registry_records", seen)
