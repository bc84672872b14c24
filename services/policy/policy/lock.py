"""The last lock: what a reader's transaction is told of who asks, and the condition its rows are judged by.

Promises: pure text; the same scopes as the WHERE clause of a service, so that a query which forgets its
clause shows no row more; nothing told means no row. Leaves telling it to `kit.db`, enforcing to PostgreSQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache

from policy.model import Decision, Principal, Within


@dataclass(frozen=True)
class Reach:
    """How far a transaction sees: as decided, for one principal. Empty is nothing.

    `regions` for the scope region, with those a cross-region grant lends; `uscc`, or `dept` within
    `own_regions`, for own; `addressed` and `published` for those; `team` is the person, for the rows of
    their teams; `all` for any. Lists are separated by commas. `permission` is what the route asks for,
    where a table is for one right alone; `lent` are the regions of cross-region grants, as granted.
    """

    all: str = ""
    regions: str = ""
    own_regions: str = ""
    uscc: str = ""
    dept: str = ""
    addressed: str = ""
    published: str = ""
    team: str = ""
    permission: str = ""
    lent: str = ""


NOTHING = Reach()
EVERYTHING = Reach(all="yes")
PARTS = tuple(field.name for field in fields(Reach))


def reach_of(
    decision: Decision, who: Principal, within: Within, known: frozenset[str], permission: str = ""
) -> Reach:
    """The reach of a decision; `known` are the region codes there are.

    Worked example: case.officer of 131000 reading leads: `Reach(regions="131000,131002,…")`.
    """
    scopes = decision.scopes if decision.allowed else frozenset()
    inside = _below(within, known, (who.region,)) if who.region else ""
    lent = _below(within, known, tuple(filter(None, (who.region, *decision.added))))
    is_own, mine = "own" in scopes, f"{who.dept}@{who.region}" if who.dept and who.region else ""
    return Reach(
        all="yes" if "any" in scopes else "",
        regions=lent if "region" in scopes else "",
        own_regions=inside if is_own and who.dept else "",
        uscc=who.uscc or "" if is_own else "",
        dept=who.dept or "" if is_own else "",
        addressed=mine if "addressed" in scopes else "",
        published="yes" if "published" in scopes else "",
        team=who.subject if "team" in scopes else "",
        permission=permission if decision.allowed else "",
        lent=",".join(decision.added),
    )


@lru_cache(maxsize=4096)
def _below(within: Within, known: frozenset[str], regions: tuple[str, ...]) -> str:
    return ",".join(sorted(code for code in known if any(within(code, region) for region in regions)))


@lru_cache(maxsize=1024)
def told(who: Principal | None, reach: Reach, most: float) -> str:
    """Who asks, how far that one may see, and for at most how many seconds a statement: SQL that follows a
    BEGIN in the same message, so that a question needs no message of its own for it.
    """
    names = {f"reach_{part}": getattr(reach, part) for part in PARTS}
    names |= {name: getattr(who, name, None) or "" for name in ("subject", "dept", "region", "uscc")}
    names["roles"] = ",".join(sorted(who.roles if who else ()))
    lines = "".join(f"SET LOCAL jianzhen.{name} = {_literal(text)}; " for name, text in names.items())
    return f"{lines}SET LOCAL statement_timeout = '{most}s'"


def _literal(text: str) -> str:
    """An E'' literal: no setting of the server reads it otherwise. Raises ValueError for what is no text."""
    if b"\0" in text.encode():
        raise ValueError("a NUL is no text of the server")
    return "E'" + text.replace("\\", r"\\").replace("'", "''") + "'"


def _told(part: str) -> str:
    # A subquery without columns is asked once in a statement, a bare current_setting() once in a row.
    return f"(SELECT nullif(current_setting('jianzhen.reach_{part}', true), ''))"


def _listed(part: str) -> str:
    return f"ANY ((SELECT string_to_array(current_setting('jianzhen.reach_{part}', true), ','))::text[])"


def condition(  # noqa: PLR0913 - one expression of a row each
    region: str = "",
    uscc: str = "",
    dept: str = "",
    parties: str = "",
    addressed: str = "",
    addressees: str = "",
    published: str = "",
    team: str = "",
) -> str:
    """The condition of a row security policy; arguments are SQL expressions, as in `Grant.clause`.

    `parties` are organisations (an array) that see the row beside its owner; `addressees` are departments of
    a region (an array), as `ee@131000`, that it is addressed to; `team` is an array of subjects,
    as `ARRAY(SELECT …)`, that see it for being on its team.

    Worked example: `condition(region="region", uscc="uscc")` holds for a row of a region within reach, for
    one of the asker's own organisation, and for every row where the reach is `any`.
    """
    either = [f"{_told('all')} = 'yes'"]
    if region:
        either.append(f"{region} = {_listed('regions')}")
    if uscc:
        either.append(f"{uscc} = {_told('uscc')}")
    if parties:
        either.append(f"{_told('uscc')} = ANY ({parties})")
    if dept and region:
        either.append(f"({dept} = {_told('dept')} AND {region} = {_listed('own_regions')})")
    if addressed:
        either.append(f"{addressed} = {_told('addressed')}")
    if addressees:
        either.append(f"{_told('addressed')} = ANY ({addressees})")
    if published:
        either.append(f"({_told('published')} = 'yes' AND {published})")
    if team:
        either.append(f"{_told('team')} = ANY ({team})")
    # Alone it is no condition of a row: asked bare, the planner knows that it lets all pass or none.
    return " OR ".join(either) if len(either) > 1 else "current_setting('jianzhen.reach_all', true) = 'yes'"


def through(table: str, own: str, theirs: str) -> str:
    """The condition of a row that is seen where the row it belongs to is seen.

    Worked example: `through("leads", "case_steps.lead_id", "lead_id")`.
    """
    return f"EXISTS (SELECT FROM {table} AS above WHERE above.{theirs} = {own})"


def statements(table: str, reader: str, *conditions: str) -> Iterable[str]:
    """The DDL that locks a table for the role `reader`: a row is seen if any of the conditions holds."""
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    either = " OR ".join(f"({one})" for one in conditions)
    yield f'CREATE POLICY {table}_within_reach ON {table} FOR SELECT TO "{reader}" USING ({either})'
