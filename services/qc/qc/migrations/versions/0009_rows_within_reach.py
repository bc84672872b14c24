"""The last lock: the reader sees alarms, suspicions, results … within reach; see policy.lock.

Without it: what verdicts and validity are computed from, which may come from beyond the asker's reach.
"""

from kit.migrate import lock
from policy.lock import condition, through

revision = "qc_0009"
down_revision = "qc_0007"

OF_A_REGION = (
    "duty_shifts", "suppressions", "check_orders", "check_draws", "day_closes", "falsification_findings", "suspicions",
)  # fmt: skip
OF_A_UNIT = ("alarms", "holds", "self_proofs", "late_arrivals")
OF_A_RECORD = ("register_changes", "register_deadlines", "register_findings")
OF_A_LABORATORY = ("lab_people", "lab_steps", "manual_results", "manual_reports")
BELONGING = (
    ("suppressed_alarms", "suppression_id", "suppressions"),
    ("differing_pairs", "hold_id", "holds"),
    ("self_proof_evidence", "proof_id", "self_proofs"),
    ("self_proof_steps", "proof_id", "self_proofs"),
    ("signatures", "result_id", "manual_results"),
    ("reported_results", "report_id", "manual_reports"),
)


def upgrade() -> None:
    for table in OF_A_REGION:
        lock(table, condition(region="region"))
    for table in OF_A_UNIT:
        lock(table, condition(region="region", uscc="uscc"))
    for table in OF_A_RECORD:
        lock(table, condition(region="region", uscc="uscc", dept="dept", parties="parties"))
    for table in OF_A_LABORATORY:
        lock(table, condition(region="region", uscc="uscc", dept="owner_dept"))
    for table, key, above in BELONGING:
        lock(table, through(above, f"{table}.{key}", key))
