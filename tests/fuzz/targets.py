"""What is fuzzed: one entry per parser, each with the truths that must hold for any bytes.

To add a parser: write `def check_<name>(data: bytes) -> None`, raising on a broken truth, put it into
TARGETS, and a few small real inputs into corpus/<name>/. The rest (time, memory, hangs, the committed corpus)
is done by `run.py` and `test_fuzz.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from bodies import BODIES
from contracts.ingest import SeriesRef
from files import FILES
from ingest.rules import crc
from ingest.rules.admission import objection
from ingest.rules.device_facts import facts_of, said_at, serials_of
from ingest.rules.frames import decipher, read_line, show_line
from ingest.rules.grammar import read_segment
from ingest.rules.hj212_build import answer, envelope, refusal
from ingest.rules.limits import limits_on
from ingest.rules.readings import Reading, make_plan, read_group
from ingest.rules.registry import EMPTY, Channel, Device, Registry, SeriesKey, Site
from ingest.rules.stream import MAX_PENDING, StreamParser
from ingest.rules.times import CHINA, moment
from ingest.rules.upload_commands import upload
from packs import PACKS

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
NOW = 1_796_000_000_000_000
LIMITS = limits_on(moment(NOW).astimezone(CHINA).date())
DEVICE = Device("A", "S", "hj212", None, accepts_modbus_crc=True, accepts_absent_crc=True, keys=(KEY,))


@dataclass(frozen=True)
class Target:
    """`check` raises on a broken truth; `longest` input; `words` help to find the way into the parser.

    `fewest` inputs a second are expected.
    """

    check: Callable[[bytes], None]
    longest: int = 12_000
    words: tuple[bytes, ...] = ()
    fewest: int = 20


def _registry() -> Registry:
    known = {}
    for number, (factor, statistic, period) in enumerate(
        (f, s, p)
        for f in ("a34004", "w01018", "SB1", "Leq")
        for s in ("avg", "rtd", "cou")
        for p in ("rtd", "min", "hour", "day")
    ):
        key = SeriesKey("S", factor, statistic, "raw", period, "hj212")
        ref = SeriesRef(
            id=number, site="S", site_kind="station", region="131000", element="air", unit="ug/m3",
            decimals=1,
            **{name: getattr(key, name) for name in ("factor", "statistic", "basis", "period", "source")},
        )  # fmt: skip
        known[key] = Channel(ref, "ng/m3", 3600, "00")
    by_id = {channel.ref.id: channel for channel in known.values()}
    sites = {"S": Site("S", "131000", "ee", None)}
    return msgspec.structs.replace(EMPTY, version=1, sites=sites, channels=known, by_id=by_id)


REGISTRY = _registry()


def check_stream(data: bytes) -> None:
    """Any split of the same bytes gives the same frames, and never holds more than promised."""
    whole, split = StreamParser(), StreamParser()
    expected, found = whole.feed(data), []
    size = 1 + (data[0] if data else 0) * 7 % 400
    for at in range(0, len(data), size):
        found += split.feed(data[at : at + size])
        assert split.pending <= MAX_PENDING
    assert [frame.raw for frame in found] == [frame.raw for frame in expected]
    assert (split.pending, split.garbage) == (whole.pending, whole.garbage)
    for frame in (*expected, *whole.settle(), *whole.finish()):
        assert len(frame.raw) <= MAX_PENDING + 2
    assert not whole.pending


def check_grammar(data: bytes) -> None:
    """A data segment becomes as many names as values, nothing is longer than what was sent."""
    read = read_segment(data)
    assert len(read.names) == len(read.values)
    assert sum(map(len, read.names)) + sum(map(len, read.values)) <= 4 * len(data)
    assert all("\x00" not in note for note in read.notes)
    pairs = read.pairs
    facts = list(facts_of(pairs))
    assert all("\x00" not in text for fact in facts for text in (fact.subject, fact.code, fact.value))
    assert all(value and len(value) <= 200 for value in serials_of(facts).values())
    said_at(pairs)


def check_frame(data: bytes) -> None:
    """Every line has its object; what is `ok` has the annex CRC and the right length."""
    frame = read_line(data)
    seen = show_line(data, frame)
    msgspec.json.encode(seen)
    assert list(seen) == ["ok", "dialect", "length", "crc", "fields", "data", "problems"]
    assert list(seen["fields"]) == ["QN", "ST", "CN", "MN", "Flag"]
    if frame is not None:
        if frame.segment.cipher:
            decipher(frame, DEVICE.keys)
        if seen["ok"]:
            assert frame.crc_sent.upper() == f"{crc.annex(frame.raw[6 : 6 + frame.actual]):04X}"
    else:
        assert not seen["ok"] and seen["problems"]


def check_meaning(data: bytes) -> None:
    """A sound frame around any bytes becomes values, facts or refusals a database can hold, and an answer."""
    frame = read_line(envelope(data[:9000]))
    assert frame is not None
    objection(frame, DEVICE, "192.0.2.1", None)
    command = upload(frame.fields.get("CN", ""))
    plan = make_plan(frame.segment.names, command.period, frame.fields.get("ST"), DEVICE, REGISTRY)
    read = read_group([Reading(plan, frame.segment.values, NOW)] * 2, LIMITS)
    columns = read.columns
    assert len({len(getattr(columns, name)) for name in columns.__struct_fields__}) == 1
    assert set(columns.ids.tolist()) <= set(REGISTRY.by_id)
    for wrong in (one for refused in read.refused.values() for one in refused):
        assert "\x00" not in wrong.where + wrong.found and len(wrong.found) <= 80
    for told in (answer(frame.fields), refusal(frame.fields, 9)):
        assert told.endswith(b"\r\n") and len(told) < 1036


_FRAME_WORDS = (
    b"##", b"&&", b"CP=&&", b"\r\n", b"QN=20160801085857223;", b"ST=32;", b"CN=2061;", b"PW=123456;",
    b"MN=A;", b"Flag=7;", b"PNUM=2;PNO=1;", b"RF=1;", b"DataTime=20261121080000;", b"a34004-Avg=1.5,",
    b"a34004-Flag=N", b"PolId=w01018;", b"i11001-Info=//a;b//", b"w01018-SN=", b"SB1-RS=1",
    b"Leq-DayData=5", b"{0xE4,0x3E}", b"-9999", b"NaN", b"##0101", b"##9999", b"//", b";;", b",,",
    b"CN=3019;", b"CN=3020;", b"CN=2011;",
)  # fmt: skip
TARGETS: dict[str, Target] = {
    "stream": Target(check_stream, words=_FRAME_WORDS),
    "grammar": Target(check_grammar, words=_FRAME_WORDS),
    "frame": Target(check_frame, words=_FRAME_WORDS),
    "meaning": Target(check_meaning, 9000, _FRAME_WORDS),
    **{name: Target(*entry) for name, entry in (BODIES | FILES | PACKS).items()},
}
