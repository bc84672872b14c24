"""The HTTP doors of `qc`: verdicts, validity, alarms, suspicions, day closes, rules, registers, custody,
self-proof.

Promises: only rows within reach of the caller's grant. Leaves judging to the flows.
"""

from fastapi import APIRouter

from qc.api import (
    checks,
    closes,
    correlation,
    custody,
    desk,
    duty,
    eligibility,
    findings,
    holds,
    laboratory,
    proofs,
    registers,
    rules,
    signals,
    timeliness,
    validity,
    verdicts,
)

router = APIRouter()
router.include_router(verdicts.router)
router.include_router(validity.router)
router.include_router(correlation.router)
router.include_router(timeliness.router)
router.include_router(desk.router)
router.include_router(signals.router)
router.include_router(duty.router)
router.include_router(holds.router)
router.include_router(checks.router)
router.include_router(closes.router)
router.include_router(rules.router)
router.include_router(registers.router)
router.include_router(findings.router)
router.include_router(laboratory.router)
router.include_router(custody.router)
router.include_router(proofs.router)
router.include_router(eligibility.router)
