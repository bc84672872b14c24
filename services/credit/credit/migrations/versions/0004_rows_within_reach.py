"""The last lock: the reader sees scores and bans within reach; listings are public as a whole; see policy.lock."""

from kit.migrate import lock
from policy.lock import condition, through

revision = "credit_0004"
down_revision = "credit_0003"


def upgrade() -> None:
    # Also an ended listing is told to everybody, without its contents: copies of it must be withdrawn.
    lock("listings", condition(region="region", published="true"))
    lock("listing_steps", through("listings", "listing_steps.listing_id", "listing_id"))
    lock("case_marks", through("listings", "case_marks.case_id", "case_id"))
    lock("operator_scores", condition(region="region", uscc="operator"))
    lock("bans", condition(region="region"))
