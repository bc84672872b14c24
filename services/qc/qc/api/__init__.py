"""The HTTP doors of `qc`: verdicts and their explanation, validity, alarms, suspicions, the rules.

Promises: only rows within reach of the caller's grant. Leaves judging to the flows.
"""

from fastapi import APIRouter

from qc.api import rules, signals, validity, verdicts

router = APIRouter()
router.include_router(verdicts.router)
router.include_router(validity.router)
router.include_router(signals.router)
router.include_router(rules.router)
