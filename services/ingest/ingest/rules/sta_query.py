"""The part of OData that SensorThings 1.1 readers really send, taken apart.

Promises: pure; raises only `BadQuery`, which says what is not understood. Understood are $top, $skip, $count,
$orderby by one property, $select, $expand (nested, with options of its own), $filter with `and`, and the
comparisons eq, ge, gt, le, lt of phenomenonTime, time, result, id and name. Leaves reading to `queries`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from ingest.rules.times import moment, parse_time

DEFAULT_TOP, MOST_TOP, MOST_SKIP, DEEPEST = 100, 10_000, 100_000, 3
RELATED = {
    "Things": {
        "Datastreams": "Datastreams",
        "Locations": "Locations",
        "HistoricalLocations": "HistoricalLocations",
    },
    "Locations": {"Things": "Things", "HistoricalLocations": "HistoricalLocations"},
    "HistoricalLocations": {"Thing": "Things", "Locations": "Locations"},
    "Datastreams": {
        "Observations": "Observations",
        "Thing": "Things",
        "Sensor": "Sensors",
        "ObservedProperty": "ObservedProperties",
    },
    "Sensors": {"Datastreams": "Datastreams"},
    "ObservedProperties": {"Datastreams": "Datastreams"},
    "Observations": {"Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"},
    "FeaturesOfInterest": {"Observations": "Observations"},
}
# What a name is kept of; the others have one that is made up of their keys.
NAMED = frozenset({"Things", "Locations", "ObservedProperties", "FeaturesOfInterest"})
_BY_ID = frozenset({"id", "@iot.id"})
ORDERS = {
    **dict.fromkeys(RELATED, _BY_ID),
    **dict.fromkeys(("Things", "Locations", "FeaturesOfInterest"), _BY_ID | {"name"}),
    "Observations": _BY_ID | {"phenomenonTime"},
    "HistoricalLocations": _BY_ID | {"time"},
}
# What only one collection is compared by.
_ONLY_OF = {
    "phenomenonTime": "Observations",
    "result": "Observations",
    "Datastream/id": "Observations",
    "Datastream/@iot.id": "Observations",
    "FeatureOfInterest/id": "Observations",
    "FeatureOfInterest/@iot.id": "Observations",
    "time": "HistoricalLocations",
}
_ENTITY = re.compile(r"(\w+)(?:\((?:'((?:[^']|'')+)'|(\d{1,18}))\))?", re.ASCII)
_TERM = re.compile(r"\s*([\w@.]+(?:/[\w@.]+)?)\s+(eq|ge|gt|le|lt)\s+('(?:[^']|'')*'|[^\s()']+)\s*")
_SECOND_PART = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "eq": "="}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
LONG_AGO, FAR_OFF = parse_time("1900-01-01T00:00Z") or 0, parse_time("9999-01-01T00:00Z") or 0


class BadQuery(ValueError):
    """A query option is not understood."""


class Entity(NamedTuple):
    """`Datastreams(12)`: a collection, and one of it if `id` is not None."""

    collection: str
    id: str | None


class Filter(msgspec.Struct):
    """Comparisons, all of which must hold. Times in microseconds, [start, stop)."""

    start: int = LONG_AGO
    stop: int = FAR_OFF
    result: list[tuple[str, float]] = msgspec.field(default_factory=list)
    id: str | None = None
    name: str | None = None
    datastream: str | None = None
    feature: str | None = None

    @property
    def span(self) -> tuple[datetime, datetime]:
        return moment(self.start), moment(self.stop)


class Options(msgspec.Struct):
    """What is asked of one collection."""

    top: int = DEFAULT_TOP
    skip: int = 0
    token: str | None = None
    count: bool = False
    order: str = "id"
    is_descending: bool = False
    select: tuple[str, ...] = ()
    expand: dict[str, "Options"] = {}
    filter: Filter = msgspec.field(default_factory=Filter)
    is_array: bool = False


def entity_of(text: str) -> Entity:
    """Worked example: `Things('131000-A01')` is (`Things`, `131000-A01`). Raises BadQuery."""
    found = _ENTITY.fullmatch(text)
    if found is None or found[1] not in RELATED:
        raise BadQuery(f"{text[:80]!r} is none of {', '.join(RELATED)}")
    return Entity(found[1], found[2].replace("''", "'") if found[2] else found[3])


def options_of(collection: str, given: Iterable[tuple[str, str]], depth: int = 0) -> Options:
    """The options of a query on a collection. Raises BadQuery.

    Worked example: `[("$filter", "phenomenonTime ge 2026-11-21T00:00:00Z and result gt 35")]`.
    """
    found = Options()
    for name, value in given:
        read = _READERS.get(name)
        if read is None:
            raise BadQuery(f"the option {name[:40]!r} is not offered; {', '.join(_READERS)} are")
        read(found, value, collection, depth)
    return found


def _top(found: Options, value: str, *_: Any) -> None:
    found.top = min(_whole(value, "$top", 10**9), MOST_TOP)


def _skip(found: Options, value: str, *_: Any) -> None:
    found.skip = _whole(value, "$skip", MOST_SKIP)


def _whole(value: str, name: str, most: int) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 12 and int(value) <= most):
        raise BadQuery(f"{name} is a whole number up to {most}; for more follow @iot.nextLink")
    return int(value)


def _token(found: Options, value: str, *_: Any) -> None:
    found.token = value[:200]


def _count(found: Options, value: str, *_: Any) -> None:
    if value not in ("true", "false"):
        raise BadQuery("$count is true or false")
    found.count = value == "true"


def _form(found: Options, value: str, *_: Any) -> None:
    if value not in ("dataArray", "default"):
        raise BadQuery("$resultFormat is dataArray")
    found.is_array = value == "dataArray"


def _orderby(found: Options, value: str, collection: str, _: int) -> None:
    name, _space, direction = value.strip().partition(" ")
    if name not in ORDERS[collection] or direction.strip() not in ("", "asc", "desc"):
        raise BadQuery(f"{collection} are ordered by {' or '.join(sorted(ORDERS[collection]))}, asc or desc")
    found.order = name.removeprefix("@iot.")
    found.is_descending = direction.strip() == "desc"


def _select(found: Options, value: str, *_: Any) -> None:
    found.select = tuple(name.strip() for name in value.split(",") if name.strip())


def _expand(found: Options, value: str, collection: str, depth: int) -> None:
    if depth >= DEEPEST:
        raise BadQuery(f"$expand goes {DEEPEST} deep")
    expanded = {}
    for part in _split(value, ","):
        path, _, inside = part.strip().partition("(")
        name, _slash, deeper = path.strip().partition("/")
        target = RELATED[collection].get(name)
        if target is None or (inside and not inside.endswith(")")):
            raise BadQuery(f"{collection} can expand {', '.join(RELATED[collection])}, not {part[:80]!r}")
        inner = [pair for option in _split(inside[:-1], ";") if (pair := _pair(option))]
        if deeper:
            inner.append(("$expand", deeper))
        expanded[name] = options_of(target, inner, depth + 1)
    found.expand = expanded


def _pair(option: str) -> tuple[str, str] | None:
    name, equals, value = option.strip().partition("=")
    return (name, value) if equals else None


def _split(text: str, mark: str) -> list[str]:
    """Parts between marks that stand outside of brackets and quotes."""
    parts, depth, start, is_quoted = [], 0, 0, False
    for at, letter in enumerate(text):
        if letter == "'":
            is_quoted = not is_quoted
        elif not is_quoted:
            depth += (letter == "(") - (letter == ")")
            if letter == mark and depth == 0:
                parts.append(text[start:at])
                start = at + 1
    return [part for part in (*parts, text[start:]) if part.strip()]


def _filter(found: Options, value: str, collection: str, _: int) -> None:
    text = value.strip()
    while text.startswith("(") and text.endswith(")") and "(" not in text[1:]:
        text = text[1:-1].strip()
    for part in re.split(r"\band\b(?=(?:[^']*'[^']*')*[^']*$)", text):
        term = _TERM.fullmatch(part.strip().removeprefix("(").removesuffix(")"))
        if term is None:
            raise BadQuery(f"$filter understands comparisons joined by and; not {part[:80]!r}")
        if term[1] == "name" and collection not in NAMED:
            raise BadQuery(f"{collection} are not searched by name; {', '.join(sorted(NAMED))} are")
        if _ONLY_OF.get(term[1], collection) != collection:
            raise BadQuery(f"{collection} have no {term[1]}; {_ONLY_OF[term[1]]} have")
        _compare(found.filter, term[1], term[2], term[3])


def _compare(into: Filter, name: str, operator: str, literal: str) -> None:
    text = literal[1:-1].replace("''", "'") if literal.startswith("'") else literal
    if name in ("phenomenonTime", "time"):
        _compare_time(into, operator, text)
    elif name == "result":
        if _NUMBER.fullmatch(text) is None:
            raise BadQuery(f"result is compared with a number, not {literal[:40]!r}")
        into.result.append((_SECOND_PART[operator], float(text)))
    elif operator == "eq" and name in ("id", "@iot.id"):
        into.id = text
    elif operator == "eq" and name == "name":
        into.name = text
    elif operator == "eq" and name in ("Datastream/id", "Datastream/@iot.id"):
        into.datastream = text
    elif operator == "eq" and name in ("FeatureOfInterest/id", "FeatureOfInterest/@iot.id"):
        into.feature = text
    else:
        raise BadQuery(f"{name} {operator} is not offered")


def _compare_time(into: Filter, operator: str, text: str) -> None:
    at = parse_time(text) if len(text) <= 40 else None
    if at is None:
        raise BadQuery(f"{text[:40]!r} is no time")
    if operator in ("ge", "eq"):
        into.start = max(into.start, at)
    if operator == "gt":
        into.start = max(into.start, at + 1)
    if operator == "lt":
        into.stop = min(into.stop, at)
    if operator in ("le", "eq"):
        into.stop = min(into.stop, at + 1)


_READERS: Mapping[str, Any] = {
    "$top": _top,
    "$skip": _skip,
    "$skiptoken": _token,
    "$count": _count,
    "$orderby": _orderby,
    "$select": _select,
    "$expand": _expand,
    "$filter": _filter,
    "$resultFormat": _form,
}
