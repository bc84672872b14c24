"""When a source counts as systematically late, as dated data.

Promises: pure; the figures of `packs/timeliness.yaml` carry their source and their days. Leaves when a value
is late to `ingest`, which says so.
"""

from datetime import date
from functools import lru_cache
from importlib import resources

import msgspec

from qc.rules.validity.dated import Dated, in_force, parse

# Between the parts of a source's key, as in `131000-A01~hj212~hour~M1`.
BETWEEN = "~"


class Systematic(Dated, frozen=True, kw_only=True):
    """Late values on `days` of the last `of` days."""

    days: int
    of: int


class TimelinessRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    systematic: tuple[Systematic, ...]


@lru_cache(maxsize=1)
def timeliness_rules() -> TimelinessRules:
    """The packaged rules."""
    text = resources.files("qc").joinpath("packs", "timeliness.yaml").read_text(encoding="utf-8")
    return parse(text, "timeliness", TimelinessRules)


@lru_cache(maxsize=64)
def systematic_on(on: date) -> Systematic:
    """The rule in force on a day. LookupError if there is none."""
    held = in_force(timeliness_rules().systematic, on)
    if not held:
        raise LookupError(f"no rule of timeliness is in force on {on}")
    return held[-1]
