"""Whether the cells of a record fit its kind.

Promises: every flaw names field, rule and what was found; what is right comes back in one form (dates and
instants as ISO 8601 in +08:00, numbers as numbers, lists without repeats). Leaves to the flows whether what
is referred to exists: `Checked.references` says what.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from standards import factors, regions, units

from qc.rules.assess import BEIJING
from qc.rules.registers.flaws import Flaw, flaw
from qc.rules.registers.model import Field, Kind

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Registers contain issued codes whose check character is wrong, so only the shape is asked for.
USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
DIGEST = re.compile(r"[0-9a-f]{64}")
LONGEST = {"text": 200, "long": 4000}
MOST_ROWS, MOST_PARTS = 2000, 200
MEMBER: dict[str, Any] = {"choices": "choice", "usccs": "uscc", "factors": "factor", "names": "text"}


class Checked(msgspec.Struct):
    """What was read: `values` in their final form, `flaws`, and (where, kind, code) of references."""

    values: dict[str, Any] = {}
    flaws: list[Flaw] = []
    references: list[tuple[str, str, str]] = []


class Wrong(Exception):
    """A cell that does not fit: the rule it breaks, and what was found there."""

    def __init__(self, rule: str, found: object) -> None:
        super().__init__(rule)
        self.rule, self.found = rule, found


def check(kind: Kind, cells: Mapping[str, Any], departments: frozenset[str]) -> Checked:
    """Read the fields of one record. None, empty texts and empty lists count as not given."""
    done = _checked(kind.fields, cells, "", departments)
    for first, second in kind.order if not done.flaws else ():
        one, two = done.values.get(first), done.values.get(second)
        if one is not None and two is not None and one[:10] > two[:10]:
            done.flaws.append(flaw(second, "order", f"{first} {one} > {second} {two}"))
    return done


def _checked(
    fields: Mapping[str, Field], cells: Mapping[str, Any], before: str, departments: frozenset[str]
) -> Checked:
    done = Checked({}, [], [])
    done.flaws += [flaw(f"{before}{name}", "field-unknown", name) for name in cells if name not in fields]
    for name, field in fields.items():
        where, cell = f"{before}{name}", cells.get(name)
        try:
            value = None if _is_nothing(cell) else _read(field, cell, where, done, departments)
        except Wrong as wrong:
            done.flaws.append(flaw(where, wrong.rule, wrong.found))
            continue
        if _is_nothing(value):
            if field.required:
                done.flaws.append(flaw(where, "field-missing", f"{name} ({field.zh} {field.en})"))
            continue
        done.values[name] = value
        if field.type == "record":
            done.references.append((where, field.of, str(value)))
    return done


def _is_nothing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str | list) and not cell)


def _read(field: Field, cell: Any, where: str, done: Checked, departments: frozenset[str]) -> Any:
    if field.type == "table":
        return _table(field, cell, where, done, departments)
    value = _value(field, cell)
    if field.type == "dept" and value not in departments:
        raise Wrong("dept", value)
    return value


def _table(
    field: Field, cell: Any, where: str, done: Checked, departments: frozenset[str]
) -> list[dict[str, Any]]:
    if not isinstance(cell, list) or len(cell) > MOST_ROWS or not all(isinstance(row, dict) for row in cell):
        raise Wrong("type", f"a table is a list of at most {MOST_ROWS:,} objects")
    read = []
    for at, row in enumerate(cell):
        one = _checked(field.columns, row, f"{where}[{at}].", departments)
        done.flaws += one.flaws
        done.references += one.references
        read.append(one.values)
    return read


def _value(field: Field, cell: Any) -> Any:
    if field.type not in MEMBER:
        return READERS[field.type](field, cell)
    parts = [part.strip() for part in cell.split(";")] if isinstance(cell, str) else cell
    if not isinstance(parts, list) or len(parts) > MOST_PARTS:
        raise Wrong("type", cell)
    single = msgspec.structs.replace(field, type=MEMBER[field.type])
    return list(dict.fromkeys(_value(single, part) for part in parts if part != ""))


def _text(field: Field, cell: Any) -> str:
    if not isinstance(cell, str):
        raise Wrong("type", cell)
    text = cell.strip()
    is_long = field.type == "long"
    if not 0 < len(text) <= LONGEST["long" if is_long else "text"]:
        raise Wrong("text", f"{len(text)}: {text}")
    if any(ord(letter) < 32 and not (is_long and letter in "\n\t") for letter in text):
        raise Wrong("text", text)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Wrong("text", text) from None
    return text


def _number(field: Field, cell: Any) -> float | int:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        raise Wrong("type", cell)
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        raise Wrong("type", cell) from None
    if not math.isfinite(number) or abs(number) > 1e15:
        raise Wrong("range", cell)
    if (field.low is not None and number < field.low) or (field.high is not None and number > field.high):
        raise Wrong("range", f"{cell} ({field.low} … {field.high})")
    return number


def _integer(field: Field, cell: Any) -> int:
    number = _number(field, cell)
    if number != int(number):
        raise Wrong("type", cell)
    return int(number)


def _boolean(field: Field, cell: Any) -> bool:
    if not isinstance(cell, bool):
        raise Wrong("type", cell)
    return cell


def _date(field: Field, cell: Any) -> str:
    try:
        return date.fromisoformat(str(cell).strip()).isoformat()
    except ValueError:
        raise Wrong("date", cell) from None


def _instant(field: Field, cell: Any) -> str:
    try:
        moment = datetime.fromisoformat(str(cell).strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)
        return aware.astimezone(BEIJING).isoformat()
    except (ValueError, OverflowError):
        raise Wrong("date", cell) from None


def _choice(field: Field, cell: Any) -> str:
    if isinstance(cell, str):
        for code, names in field.choices.items():
            if cell.strip() == code or cell.strip() in names:
                return code
    raise Wrong("choice", f"{cell} ({', '.join(field.choices)})")


def _measure(field: Field, cell: Any) -> str:
    code = units.ucum(_text(field, cell))
    if code is None:
        raise Wrong("unit", cell)
    return code


def _one_of(known: Callable[[str], bool], rule: str) -> Callable[[Field, Any], str]:
    def read(field: Field, cell: Any) -> str:
        text = _text(field, cell)
        if not known(text):
            raise Wrong(rule, text)
        return text

    return read


READERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "long": _text,
    "site": _text,
    "dept": _text,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "instant": _instant,
    "choice": _choice,
    "measure": _measure,
    "record": _one_of(lambda text: CODE.fullmatch(text) is not None, "code"),
    "digest": _one_of(lambda text: DIGEST.fullmatch(text) is not None, "digest"),
    "region": _one_of(lambda text: regions.get(text) is not None, "region"),
    "factor": _one_of(lambda text: factors.find(text) is not None, "factor"),
    "uscc": _one_of(lambda text: USCC.fullmatch(text) is not None, "uscc"),
}
