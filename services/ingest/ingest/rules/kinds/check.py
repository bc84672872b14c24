"""Whether the cells of a record fit its kind, as JSON or as the texts of a table.

Promises: every flaw names field, rule and what was found; what is right comes back in one form (dates and
instants as ISO 8601 with an offset, numbers as numbers, lists as lists). Leaves to `flows` whether what is
referred to exists: `Checked.references` says what.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from standards import factors, regions, units

from ingest.rules.kinds.model import LISTS, Field, Flag, Kind
from ingest.rules.network import elements
from ingest.rules.refusals import Flaw, flaw
from ingest.rules.times import CHINA

_LONGEST = {"text": 200, "long": 4000}
_MOST = {"table": 20_000}
_YES = {
    "true": True,
    "1": True,
    "yes": True,
    "是": True,
    "false": False,
    "0": False,
    "no": False,
    "否": False,
}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ADDRESSEE = re.compile(r"[a-z_.]{2,20}@\d{6,9}")
REFERENCES = frozenset({"unit", "site", "record", "sites"})


class Checked(msgspec.Struct):
    """What was read: `values` in their final form, `flaws`, and (where, type, of, code) of references."""

    values: dict[str, Any] = {}
    flaws: list[Flaw] = []
    references: list[tuple[str, str, str, str]] = []


class Wrong(Exception):
    """A cell that does not fit: the rule it breaks, and what was found there."""

    def __init__(self, rule: str, found: object) -> None:
        super().__init__(rule)
        self.rule, self.found = rule, found


def check(kind: Kind, cells: Mapping[str, Any]) -> Checked:
    """Read the fields of one record. Empty texts count as not given."""
    done = _checked(kind.fields, cells, "")
    if not done.flaws:
        for first, second in kind.order:
            one, two = done.values.get(first), done.values.get(second)
            if one is not None and two is not None and one > two:
                done.flaws.append(flaw(second, "record-order", f"{first} {one} > {second} {two}"))
    return done


def flags_of(kind: Kind, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is amiss with a record: flag → detail."""
    found = {name: _amiss(flag, values) for name, flag in kind.flags.items()}
    return {name: detail for name, detail in found.items() if detail is not None}


def _amiss(flag: Flag, values: Mapping[str, Any]) -> dict[str, Any] | None:
    missing = {name: sorted(set(wanted) - set(values.get(name) or [])) for name, wanted in flag.lacks.items()}
    stands = all(missing.values())
    stands &= all(not values.get(name) for name in flag.empty)
    stands &= all(values.get(name) == value for name, value in flag.equals.items())
    stands &= all(bool(values.get(name)) for name in flag.holds)
    held = {name: values.get(name) for name in flag.holds}
    return {"missing": missing, **held} if stands and flag.lacks else held if stands else None


def _checked(fields: Mapping[str, Field], cells: Mapping[str, Any], before: str) -> Checked:
    done = Checked({}, [], [])
    for name in cells:
        if name not in fields:
            done.flaws.append(flaw(f"{before}{name}", "record-field-unknown", str(name)))
    for name, field in fields.items():
        where, cell = f"{before}{name}", cells.get(name)
        try:
            value = None if cell in (None, "", []) else _read(field, cell, where, done)
        except Wrong as wrong:
            done.flaws.append(flaw(where, wrong.rule, wrong.found))
            continue
        if value is None or value == []:
            if field.required:
                done.flaws.append(flaw(where, "record-field-missing", f"{name} ({field.zh} {field.en})"))
            continue
        done.values[name] = value
        _refer(field, where, value, done)
    return done


def _read(field: Field, cell: Any, where: str, done: Checked) -> Any:
    return _table(field, cell, where, done) if field.type == "table" else _value(field, cell)


def _refer(field: Field, where: str, value: Any, done: Checked) -> None:
    if field.type in REFERENCES:
        type_ = "site" if field.type == "sites" else field.type
        codes = value if isinstance(value, list) else [value]
        done.references += [(where, type_, field.of, code) for code in codes]


def _table(field: Field, cell: Any, where: str, done: Checked) -> list[dict[str, Any]]:
    rows = _loaded(cell) if isinstance(cell, str) else cell
    if not isinstance(rows, list) or len(rows) > _MOST["table"]:
        raise Wrong("record-type", "a table is a list of at most 20,000 rows")
    read = []
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Wrong("record-type", f"row {at} is no object")
        one = _checked(field.columns, row, f"{where}[{at}].")
        done.flaws += one.flaws
        done.references += one.references
        read.append(one.values)
    return read


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Wrong("record-type", text) from None


def _value(field: Field, cell: Any) -> Any:
    if field.type in LISTS:
        parts = [part.strip() for part in cell.split(";")] if isinstance(cell, str) else cell
        if not isinstance(parts, list) or len(parts) > 1000:
            raise Wrong("record-type", cell)
        single = msgspec.structs.replace(field, type=_MEMBER[field.type])
        found = list(dict.fromkeys(_value(single, part) for part in parts if part != ""))
        if field.low is not None and len(found) < field.low:
            raise Wrong("record-few", f"{len(found)} ({field.low:.0f} …)")
        return found
    return _READERS[field.type](field, cell)


_MEMBER: dict[str, Any] = {
    "names": "text", "factors": "factor", "sites": "site", "digests": "digest", "addressees": "addressee",
    "choices": "choice",
}  # fmt: skip


def _text(field: Field, cell: Any) -> str:
    if not isinstance(cell, str):
        raise Wrong("record-type", cell)
    text = cell.strip()
    if not 0 < len(text) <= _LONGEST["text"] or any(ord(letter) < 32 for letter in text):
        raise Wrong("record-text", f"{len(text)}: {text}")
    _require_unicode(text)
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise Wrong("record-pattern", f"{text} ({field.pattern})")
    return text


def _long(field: Field, cell: Any) -> str:
    if not isinstance(cell, str) or "\x00" in cell:
        raise Wrong("record-type", cell)
    _require_unicode(cell)
    if not 0 < len(cell.strip()) <= _LONGEST["long"]:
        raise Wrong("record-text", f"{len(cell)}: {cell}")
    return cell.strip()


def _require_unicode(text: str) -> None:
    """Half of a surrogate pair, as JSON may escape it, can be kept nowhere."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Wrong("record-type", text) from None


def _number(field: Field, cell: Any) -> float | int:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        raise Wrong("record-type", cell)
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        raise Wrong("record-type", cell) from None
    if not math.isfinite(number) or abs(number) > 1e15:
        raise Wrong("record-range", cell)
    if (field.low is not None and number < field.low) or (field.high is not None and number > field.high):
        raise Wrong("record-range", f"{cell} ({field.low} … {field.high})")
    return number


def _integer(field: Field, cell: Any) -> int:
    number = _number(field, cell)
    if number != int(number):
        raise Wrong("record-type", cell)
    return int(number)


def _boolean(field: Field, cell: Any) -> bool:
    found = cell if isinstance(cell, bool) else _YES.get(str(cell).strip().lower())
    if found is None:
        raise Wrong("record-type", cell)
    return found


def _date(field: Field, cell: Any) -> str:
    try:
        return date.fromisoformat(str(cell).strip()[:10]).isoformat()
    except ValueError:
        raise Wrong("record-date", cell) from None


def _instant(field: Field, cell: Any) -> str:
    try:
        moment = datetime.fromisoformat(str(cell).strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=CHINA)
        return aware.astimezone(CHINA).isoformat()
    except (ValueError, OverflowError):
        raise Wrong("record-date", cell) from None


def _choice(field: Field, cell: Any) -> str:
    if isinstance(cell, str):
        wanted = cell.strip()
        for code, names in field.choices.items():
            if wanted == code or wanted in names:
                return code
    raise Wrong("record-choice", f"{cell} ({', '.join(field.choices)})")


def _one_of(known: Callable[[str], bool], rule: str) -> Callable[[Field, Any], str]:
    def read(field: Field, cell: Any) -> str:
        text = _text(field, cell)
        if not known(text):
            raise Wrong(rule, text)
        return text

    return read


def _measure(field: Field, cell: Any) -> str:
    code = units.ucum(_text(field, cell))
    if code is None:
        raise Wrong("unknown-unit", cell)
    return code


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "long": _long,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "instant": _instant,
    "choice": _choice,
    "digest": _one_of(lambda text: _DIGEST.fullmatch(text) is not None, "record-digest"),
    "region": _one_of(lambda text: regions.get(text) is not None, "unknown-region"),
    "dept": _text,
    "element": _one_of(lambda text: text in elements(), "unknown-element"),
    "unit": _text,
    "site": _text,
    "record": _text,
    "factor": _one_of(lambda text: factors.find(text) is not None, "unknown-factor"),
    "measure": _measure,
    "addressee": _one_of(lambda text: _ADDRESSEE.fullmatch(text) is not None, "record-addressee"),
}
