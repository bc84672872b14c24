"""The HTTP door of `cases`: parse → one flow → the row as it now stands, with what can be done next.

Promises: every write may carry an Idempotency-Key; every list is paged; names come in Chinese and English.
Leaves who may do what to the policy, and what the law allows to the rules.
"""

from fastapi import APIRouter

from cases.api import cases, certificates, evidence, interventions, leads, teams

router = APIRouter()
router.include_router(leads.router)
router.include_router(cases.router)
router.include_router(certificates.router)
router.include_router(evidence.router)
router.include_router(interventions.router)
router.include_router(teams.router)
