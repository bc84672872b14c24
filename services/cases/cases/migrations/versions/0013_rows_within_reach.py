"""The last lock: the reader sees leads and cases within reach, and what belongs to them; see policy.lock."""

from kit.migrate import lock
from policy.lock import condition, through

revision = "cases_0013"
down_revision = "cases_0010"


def upgrade() -> None:
    for table in ("signals", "leads", "cases"):
        lock(table, condition(region="region"))
    lock("case_steps", through("leads", "case_steps.lead_id", "lead_id"))
    lock("sealed_decisions", through("cases", "sealed_decisions.case_id", "case_id"))
