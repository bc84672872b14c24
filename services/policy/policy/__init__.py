"""Who may do what: one file a lawyer can read, and its pure evaluation.

Promises: no database, network, clock or environment; unknown means refused. Leaves the verification of tokens
to `kit.auth` and the filtering of rows in SQL to each service.
"""

from policy.certificates import Lacking
from policy.crossing import CrossRule, RegionGrants
from policy.dated import day_at
from policy.evaluation import Policy, in_scope, reaches
from policy.lock import EVERYTHING, NOTHING, Reach, reach_of
from policy.model import (
    ANONYMOUS,
    PUBLIC,
    SCOPES,
    Decision,
    Permission,
    PermissionGrant,
    Principal,
    RegionGrant,
    Route,
    Row,
    Scope,
    Within,
    principal_of,
)
from policy.records import Purpose, Records
from policy.separation import Collision, Done, Separation
from policy.source import PolicyError, load, parse, table

__all__ = [
    "ANONYMOUS",
    "EVERYTHING",
    "NOTHING",
    "PUBLIC",
    "SCOPES",
    "Collision",
    "CrossRule",
    "Decision",
    "Done",
    "Lacking",
    "Permission",
    "PermissionGrant",
    "Policy",
    "PolicyError",
    "Principal",
    "Purpose",
    "Reach",
    "Records",
    "RegionGrant",
    "RegionGrants",
    "Route",
    "Row",
    "Scope",
    "Separation",
    "Within",
    "day_at",
    "in_scope",
    "load",
    "parse",
    "principal_of",
    "reach_of",
    "reaches",
    "table",
]
