"""What a logger says of itself: states, parameters, logs, samples, hardware numbers, times of power-on.

Promises: pure; every pair of such a frame becomes one fact with its value as sent (NUL bytes, which no
database text can hold, are written `\\0`). Leaves to `flows` when facts are kept, and what a change means.
"""

from collections.abc import Iterable, Iterator

import msgspec

from ingest.rules.grammar import split_name
from ingest.rules.refusals import printable
from ingest.rules.times import parse_time

_MOST = 4000
# HJ 212-2017 table 4: what says *which* instrument or *when*, and is no fact of its own.
_FRAMING = frozenset({"DataTime", "PolId", "InfoId"})
# HJ 212-2025, command 1001: number of the logger, of its CPU, of its network interfaces.
HARDWARE = frozenset({"i23005", "i23006", "i23007", "i23008"})


class Fact(msgspec.Struct, frozen=True, gc=False):
    """`subject` is the factor of the instrument it is about, '' the logger; `row` the pair in the frame."""

    row: int
    subject: str
    code: str
    value: str


def facts_of(pairs: Iterable[tuple[str, str]]) -> Iterator[Fact]:
    """The facts in the pairs of a frame.

    Worked example: `PolId=w01018;i11001-Info=//清洗管路//` is one fact: subject `w01018`, code `i11001`;
    `w01018-SN=…` has the code `SN`, `RestartTime=…` no subject.
    """
    instrument = ""
    for row, (name, value) in enumerate(pairs):
        factor, field = split_name(name)
        if name == "PolId":
            instrument = printable(value)[:64]
        if name in _FRAMING:
            continue
        if not factor:
            subject, code = instrument, name
        elif field == "Info":
            subject, code = instrument, factor
        else:
            subject, code = factor, field
        yield Fact(row, printable(subject)[:64], printable(code)[:64], printable(value)[:_MOST])


def extra_facts(pairs: list[tuple[str, str]], rows: Iterable[int]) -> list[Fact]:
    """Facts that stand among values: the sampling time of a batch analyser, a vendor's mark (x-EFlag)."""
    found = []
    for row in rows:
        factor, field = split_name(pairs[row][0])
        value = printable(pairs[row][1])[:_MOST]
        if value:
            found.append(Fact(row, printable(factor)[:64], printable(field)[:64], value))
    return found


def serials_of(facts: Iterable[Fact]) -> dict[str, str]:
    """Hardware numbers by part: `w01018` (its analyser), `i23005` (the logger).

    Worked example: the fact (`w01018`, `SN`, `010000A8…`) is {"w01018": "010000A8…"}.
    """
    found = {}
    for fact in facts:
        value = fact.value.strip("/ ")[:200]
        if value and (fact.code == "SN" or fact.code in HARDWARE):
            found[fact.subject if fact.code == "SN" else fact.code] = value
    return found


def said_at(pairs: Iterable[tuple[str, str]]) -> int | None:
    """The frame's own DataTime in microseconds since 1970 UTC, None without one."""
    for name, value in pairs:
        if name == "DataTime":
            return parse_time(value) if len(value) in (14, 17) and value.isdigit() else None
    return None
