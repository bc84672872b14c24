"""One HJ 212 frame: cut, checked and read, whether it came from a socket or a file of lines.

Promises: never raises, whatever the bytes; bytes are counted, not characters (a character count is accepted
only where the check value proves it). Leaves the cutting of a byte stream to `stream`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ingest.rules import crc, sm4
from ingest.rules.crc import Verdict
from ingest.rules.grammar import Segment, dialect_of, read_segment, split_name

MAX_SEGMENT = 1024
_HEX = frozenset(b"0123456789abcdefABCDEF")
_LENGTH = re.compile(rb"##(?:.{0,4}?(?=[A-Za-z]{2,4}\s*=))?", re.DOTALL)
_SHOWN = ("QN", "ST", "CN", "MN", "Flag")


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A frame as received. `raw` has every byte, tail included; `problems` is empty for a sound frame.

    `notes` are the deviations that are tolerated, of the envelope and of the data segment.
    """

    raw: bytes
    declared: int | None
    actual: int
    crc_sent: str
    crc_expected: str
    verdict: Verdict
    segment: Segment
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def fields(self) -> Any:
        return self.segment.fields


def make_frame(
    raw: bytes, declared: int | None, segment: bytes, sent: str, verdict: Verdict | None = None
) -> Frame:
    """Judge a frame whose parts are already cut apart; `verdict` if its check value was looked at before."""
    verdict = verdict or crc.verdict(segment, sent)
    read = read_segment(segment)
    expected = sent.upper() if verdict == "annex" else f"{crc.annex(segment):04X}"
    problems, notes = read.problems, read.notes
    if declared != len(segment) or verdict != "annex" or declared > MAX_SEGMENT:
        counted = _counted_in_characters(declared, segment, verdict)
        problems += _judge_envelope(declared, segment, sent, verdict, expected, counted)
        if counted:
            notes += ("the length counts characters, not bytes",)
    if sent != expected and verdict == "annex":
        notes += ("the CRC is written in lower case",)
    if raw[-2:] != b"\r\n":
        notes += ("LF alone ends the frame",) if raw[-1:] == b"\n" else ("no CR LF",)
    return Frame(raw, declared, len(segment), sent, expected, verdict, read, problems, notes)


def _judge_envelope(
    declared: int | None, segment: bytes, sent: str, verdict: Verdict, expected: str, counted: bool
) -> tuple[str, ...]:
    found = []
    if declared is None:
        found.append("the four digits of the length are missing")
    elif declared != len(segment) and not counted:
        found.append(f"length says {declared}, the data segment has {len(segment)} bytes")
    if len(segment) > MAX_SEGMENT:
        found.append(f"the data segment has {len(segment)} bytes, more than {MAX_SEGMENT}")
    if verdict == "absent":
        found.append(f"no CRC after the data segment, expected {expected}")
    elif verdict == "wrong":
        found.append(f"CRC {sent} is wrong, expected {expected}")
    elif verdict != "annex":
        found.append(f"CRC {sent} is CRC-16/MODBUS ({verdict}), HJ 212 asks for {expected}")
    return tuple(found)


def _counted_in_characters(declared: int | None, segment: bytes, verdict: Verdict) -> bool:
    return (
        verdict == "annex" and declared != len(segment) and declared == len(segment.decode(errors="replace"))
    )


def decipher(frame: Frame, keys: Sequence[bytes]) -> Frame | None:
    """The frame in clear, if it is encrypted as HJ 212-2025 §6.4 says and a key fits; else None.

    The check value was computed over the clear text, so it tells which key is right; `raw` stays as received.
    Worked example: of two registered keys the older one still opens what a logger stored before the change.
    """
    segment = frame.raw[6 : frame.raw.rfind(b"&&") + 2]
    for key in keys:
        clear = sm4.open_segment(segment, key)
        if clear is not None:
            opened = make_frame(frame.raw, frame.declared, clear, frame.crc_sent)
            if opened.verdict not in ("wrong", "absent"):
                return msgspec.structs.replace(opened, notes=(*opened.notes, "CP was encrypted (SM4)"))
    return None


def read_line(line: bytes) -> Frame | None:
    """The frame in one line (with or without its CR LF), None if the line holds no `##`.

    The check value is what follows the last `&&`, so a wrong length cannot hide it.
    """
    start = line.find(b"##")
    if start < 0:
        return None
    raw = line[start:]
    rest = raw.rstrip(b"\r\n \t")
    digits = rest[2:6]
    declared = int(digits) if len(digits) == 4 and digits.isdigit() else None
    body = rest[6:] if declared is not None else _LENGTH.sub(b"", rest, count=1)
    close = body.rfind(b"&&")
    if close >= 0:
        segment, tail = body[: close + 2], body[close + 2 :]
    elif declared is not None and len(body) == declared + 4:
        segment, tail = body[:-4], body[-4:]
    else:
        segment, tail = body, b""
    around = [f"{start} bytes stand before ##"] if start else []
    after, tail = tail, tail.lstrip(b" \t")
    if len(tail) > 4:
        if not _HEX.issuperset(tail[:4]) and _HEX.issuperset(tail[-4:]):
            # With its blanks: what the check value was computed over is the bytes that were sent.
            segment, tail = segment + after[:-4], tail[-4:]
        else:
            around.append(f"{len(tail) - 4} bytes stand after the CRC")
    if b"##" in segment and crc.verdict(segment, tail[:4].decode("ascii", "replace")) != "annex":
        around.append("another ## stands in this line, so it holds parts of several frames")
    frame = make_frame(raw, declared, segment, tail[:4].decode("ascii", errors="backslashreplace"))
    return msgspec.structs.replace(frame, problems=(*around, *frame.problems)) if around else frame


def data_of(segment: Segment) -> Iterator[tuple[str, str, str, str | None]]:
    """(factor, field, value as sent, data mark) of every reading in CP, in the order sent.

    Worked example: `a34004-Rtd=217,a34004-Flag=N` gives (`a34004`, `Rtd`, `217`, `N`).
    """
    named = [(*split_name(name), value) for name, value in segment.pairs]
    flags = {factor: value for factor, field, value in named if field == "Flag"}
    with_value = {factor for factor, field, _ in named if field != "Flag"}
    for factor, field, value in named:
        if factor and (field != "Flag" or factor not in with_value):
            yield factor, field, value, flags.get(factor)


def parameters_of(segment: Segment) -> dict[str, str]:
    """The CP values that belong to no factor: DataTime, PolId, QnRtn …; the first of a name counts."""
    found: dict[str, str] = {}
    for name, value in segment.pairs:
        if "-" not in name:
            found.setdefault(name, value)
    return found


def check_line(line: bytes) -> dict[str, Any]:
    """What `jianzhen frames check` prints for one line: dialect, length, CRC verdict, fields, data, problems.

    `ok` is: annex CRC, right length, no problem. A line that is no frame gets its object too. The password is
    never shown. Worked example: the HJ 212-2017 Appendix A frame is ok, dialect "2017", length 101/101.
    """
    return show_line(line, read_line(line))


def show_line(line: bytes, frame: Frame | None) -> dict[str, Any]:
    """The object of a line that was read already, None if it holds no `##`."""
    if frame is None:
        size = len(line.rstrip(b"\r\n"))
        return {
            "ok": False,
            "dialect": "unknown",
            "length": {"declared": None, "actual": size},
            "crc": {"verdict": "absent", "sent": "", "expected": ""},
            "fields": dict.fromkeys(_SHOWN),
            "data": [],
            "problems": ["no ## in this line, so it is no HJ 212 frame"],
        }
    fields: dict[str, str | None] = {name: frame.fields.get(name) for name in _SHOWN}
    return {
        "ok": not frame.problems and frame.verdict == "annex",
        "dialect": dialect_of(frame.fields),
        "length": {"declared": frame.declared, "actual": frame.actual},
        "crc": {"verdict": frame.verdict, "sent": frame.crc_sent, "expected": frame.crc_expected},
        "fields": fields,
        "data": [
            {"factor": factor, "field": field, "value": value, "flag": flag}
            for factor, field, value, flag in data_of(frame.segment)
        ],
        "problems": list(frame.problems),
    }
