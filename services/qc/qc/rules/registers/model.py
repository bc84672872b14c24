"""What a kind of register is, read from `qc/packs/registers/kinds`: fields, flags, clocks, who enters it.

Worked example: `kinds()["reference-materials"].clocks["expiry"].due` is `expires_on`.
"""

from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec
import yaml

BOOKS = ("metrology", "proficiency", "agencies", "capacity")
FieldType = Literal[
    "text", "long", "integer", "number", "boolean", "date", "instant", "choice", "choices", "digest",
    "region", "dept", "uscc", "usccs", "site", "factor", "factors", "measure", "names", "record", "table",
]  # fmt: skip


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field. `low` and `high` are inclusive; `of` is the kind a `record` refers to."""

    zh: str
    en: str
    type: FieldType
    required: bool = False
    choices: dict[str, list[str]] = {}
    columns: dict[str, "Field"] = {}
    low: float | None = None
    high: float | None = None
    of: str = ""


class Flag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is amiss with a record; with `finding` a supervisor is told, `mend` names the rule of the time.
    `until_passed`: a later passing record about the same thing closes it.

    It stands if all conditions hold: paths are `empty`, a path `equals` a value, of two days the first is
    `past` at the second. Without conditions the judge of the kind decides. A path is a field, or
    `field.subfield` of the record a field refers to.
    """

    zh: str
    en: str
    finding: bool = False
    mend: str = ""
    empty: list[str] = []
    equals: dict[str, Any] = {}
    past: list[str] = []
    until_passed: bool = False

    @property
    def is_declared(self) -> bool:
        """Whether the conditions decide, not a judge."""
        return bool(self.empty or self.equals or self.past)


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something is due: on the day in field `due`, or so long (`rule`) after `start`, until `met` holds."""

    zh: str
    en: str
    finding: str
    due: str = ""
    start: str = msgspec.field(name="from", default="")
    rule: str = ""
    met: str = ""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of record.

    `owner`, `parties`, `region`, `about`, `happened` name the fields that say whose it is, what it belongs to
    and when it happened; with `inherits` it is whose that is. `by` narrows who of a book's writers may enter
    it; `appended`: never changed.
    `beside` are kinds of the same organisation that its `judge` looks at.
    """

    name: str
    book: Literal["metrology", "proficiency", "agencies", "capacity"]
    zh: str
    en: str
    source: str
    fields: dict[str, Field]
    by: list[str] = []
    appended: bool = False
    owner: str = ""
    parties: list[str] = []
    region: str = ""
    about: str = ""
    inherits: bool = False
    happened: str = ""
    beside: list[str] = []
    judge: str = ""
    order: list[list[str]] = []
    flags: dict[str, Flag] = {}
    clocks: dict[str, Clock] = {}


def field_of(given: list[Any]) -> dict[str, Any]:
    """A field as the files write it: `[type!, zh, en, {more}]`; `!` marks a required one."""
    type_, zh, en, *more = given
    cells: dict[str, Any] = {"type": type_.rstrip("!"), "zh": zh, "en": en, "required": type_.endswith("!")}
    for extra in more:
        cells |= extra
    cells["columns"] = {name: field_of(one) for name, one in cells.get("columns", {}).items()}
    return cells


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by name, in the order of the books. Raises ValueError for one that fits no schema."""
    found: dict[str, Kind] = {}
    for book in BOOKS:
        file = resources.files("qc").joinpath("packs", "registers", "kinds", f"{book}.yaml")
        for name, given in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).items():
            fields = {key: field_of(one) for key, one in given["fields"].items()}
            try:
                found[name] = msgspec.convert(given | {"name": name, "book": book, "fields": fields}, Kind)
            except msgspec.ValidationError as error:
                raise ValueError(f"kind {name}: {error}") from error
    return found
