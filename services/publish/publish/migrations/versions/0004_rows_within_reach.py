"""The last lock: the reader sees drafts, cases and holds within reach, else what is published; see policy.lock."""

from kit.migrate import lock
from policy.lock import condition, through

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    lock("releases", condition(region="region", published="status = 'published'"))
    lock("release_steps", through("releases", "release_steps.release_id", "id"))
    lock("series", condition(region="region", published="is_public"))
    # A figure that a confirmed case or a hold leaves out says so to whoever sees the figure.
    lock("fraud_cases", condition(region="region", published="is_effective"))
    lock("holds", condition(region="region", uscc="uscc", published="placed_at IS NOT NULL"))
    lock("listings", condition(region="region", published="listed_at IS NOT NULL AND removed_at IS NULL"))
