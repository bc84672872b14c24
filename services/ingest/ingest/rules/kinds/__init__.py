"""The kinds of records the registry keeps, declared as data: fields, references, flags, steps, timers.

Promises: pure; every kind names its source clause and speaks Chinese and English. Leaves references that only
the database knows to `flows`, and who may read or write a book to the policy.
"""

from ingest.rules.kinds.check import Checked, check, flags_of
from ingest.rules.kinds.dated import Rule, on, rule
from ingest.rules.kinds.model import Field, Flag, Kind, Step, Timer, books, kinds

__all__ = [
    "Checked",
    "Field",
    "Flag",
    "Kind",
    "Rule",
    "Step",
    "Timer",
    "books",
    "check",
    "flags_of",
    "kinds",
    "on",
    "rule",
]
