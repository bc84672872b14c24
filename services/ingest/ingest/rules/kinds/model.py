"""What a kind is, read from the YAML files beside this one.

Worked example: `kinds()["works-notices"].fields["works"].choices["watering"]` is `["洒水", "Watering"]`.
"""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec
import yaml

FILES = ("units", "points", "monitoring", "emergency", "tasks")
# names, factors, sites, digests, addressees, choices are lists; a table is a list of rows.
FieldType = Literal[
    "text", "long", "integer", "number", "boolean", "date", "instant", "choice", "digest", "region", "dept",
    "element", "unit", "site", "record", "factor", "measure", "table",
    "names", "factors", "sites", "digests", "addressees", "choices",
]  # fmt: skip


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field. `low` and `high` are inclusive (of a list `low` is its least length); `of` is the kind a
    `record` refers to.
    """

    zh: str
    en: str
    type: FieldType
    required: bool = False
    choices: dict[str, list[str]] = {}
    columns: dict[str, "Field"] = {}
    pattern: str = ""
    low: float | None = None
    high: float | None = None
    of: str = ""


class Flag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is amiss with a record as it stands; with `finding`, a supervisor is told as well.

    It stands when every condition holds: a list `lacks` some of these, fields are `empty`, a field `equals`
    a value, a list `holds` something.
    """

    zh: str
    en: str
    finding: bool = False
    lacks: dict[str, list[str]] = {}
    empty: list[str] = []
    equals: dict[str, Any] = {}
    holds: list[str] = []


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of a proceeding: from one of these states to the next one.

    `needs` must be said; `authority` wants the authority that is responsible for the site; `side` wants a
    department that this field names; `stamps` is the field that keeps when it was taken; `begins` lets the
    record hold from this day. A step with `late` is taken by time, when the clock of one of these fields has
    run out. Which person may not take it is the policy's (`separation`).
    """

    zh: str
    en: str
    to: str
    came: list[str] = msgspec.field(name="from")
    needs: list[str] = []
    authority: bool = False
    side: str = ""
    stamps: str = ""
    late: list[str] = []
    begins: bool = False


class Timer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of a dated rule (`emergency_<field rule_of>`) from one field until another is said.

    `close` is due after the hours of `close_rule`, or when the field `due` says. `about` names the findings.
    """

    start: str = msgspec.field(name="from")
    by: str = ""
    rule: str = ""
    rule_of: str = ""
    close: str = ""
    close_rule: str = ""
    due: str = ""
    about: str = "report"


class Duties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a record that tell which act was done (`act`) by which `persons`, `of` what, and when.

    Which acts exclude each other is the policy's: section `separation`, the record named like the kind.
    """

    act: str
    persons: str
    of: str
    at: str


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of record. `scope` names the fields that tell whose it is, the first one given counts.

    `by` narrows who of a book's writers may enter it; a record that is `appended` is never changed.
    `recipients` are the fields that name whom it is addressed to; `giver` keeps which department entered it.
    """

    name: str
    book: str
    zh: str
    en: str
    source: str
    fields: dict[str, Field]
    scope: list[str]
    by: list[str] = []
    appended: bool = False
    published: bool | str = False
    counterpart: str = ""
    recipients: list[str] = []
    giver: str = ""
    flags: dict[str, Flag] = {}
    order: list[list[str]] = []
    initial: str = ""
    editable: list[str] = []
    steps: dict[str, Step] = {}
    timer: Timer | None = None
    duties: Duties | None = None


def _field(given: list[Any]) -> dict[str, Any]:
    type_, zh, en, *more = given
    cells: dict[str, Any] = {"type": type_.rstrip("!"), "zh": zh, "en": en, "required": type_.endswith("!")}
    for extra in more:
        cells |= extra
    cells["columns"] = {name: _field(one) for name, one in cells.get("columns", {}).items()}
    return cells


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by name, in the order of the files."""
    found: dict[str, Kind] = {}
    for file in FILES:
        text = files("ingest.rules.kinds").joinpath(f"{file}.yaml").read_text("utf-8")
        for name, given in yaml.load(text, Loader=yaml.CSafeLoader).items():
            cells = given | {
                "name": name,
                "fields": {key: _field(one) for key, one in given["fields"].items()},
            }
            found[name] = msgspec.convert(cells, Kind)
    return found


@cache
def books() -> tuple[str, ...]:
    """The books in which kinds are kept: each has its own rights in the policy."""
    return tuple(dict.fromkeys(kind.book for kind in kinds().values()))


LISTS = frozenset({"names", "factors", "sites", "digests", "addressees", "choices"})
