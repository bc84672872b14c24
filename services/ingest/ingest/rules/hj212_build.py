"""Build HJ 212 frames with the right length and CRC: what a logger sends, and what the receiver answers.

Promises: `build` and `frames.read_line` are inverse; lengths count bytes, so Chinese text is safe.
Leaves to its callers what the fields say.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from ingest.rules import crc
from ingest.rules.grammar import flag_of

NOTIFY_ACK = "9013"
DATA_ACK = "9014"
REQUEST_ACK = "9011"
_ECHOED = 64
_NOTICES = frozenset({"1013"})


def envelope(segment: bytes) -> bytes:
    """`##`, length, data segment, CRC (annex), CR LF. The Appendix A segment ends in `1C80`."""
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc.annex(segment))


def build(fields: Mapping[str, str | int], groups: Sequence[str] = ()) -> bytes:
    """A frame from header fields, in the order given, and CP groups.

    Worked example: `build({"QN": "20160801085857223", "ST": 32, "CN": 1062, "PW": "100000", "MN":
    "010000A8900016F000169DC0", "Flag": 5}, ["RtdInterval=30"])` is the example frame of HJ 212-2017 App. A.
    """
    head = ";".join(f"{name}={value}" for name, value in fields.items())
    return envelope(f"{head};CP=&&{';'.join(groups)}&&".encode())


def data_frame(
    device: Mapping[str, str | int],
    command: int,
    data_time: str,
    readings: Sequence[tuple[str, Mapping[str, str]]],
    *,
    qn: str,
) -> bytes:
    """An upload (2011, 2051, 2061, 2031). `device` has ST, PW, MN and, if not 5, Flag.

    Worked example: readings `[("a34004", {"Avg": "48", "Flag": "N"})]` become `a34004-Avg=48,a34004-Flag=N`.
    """
    groups = [f"DataTime={data_time}"]
    for factor, values in readings:
        groups.append(",".join(f"{factor}-{field}={value}" for field, value in values.items()))
    head = {"QN": qn, "ST": device["ST"], "CN": command, "PW": device["PW"], "MN": device["MN"]}
    return build(head | {"Flag": device.get("Flag", 5)}, groups)


def answer(fields: Mapping[str, str]) -> bytes:
    """The receipt for an upload (9014) or a notice (9013): same QN, ST 91, no acknowledge bit (§6.5).

    The version bits are the sender's. A frame without QN is answered without QN (2005 dialect).
    """
    return _reply(fields, NOTIFY_ACK if fields.get("CN") in _NOTICES else DATA_ACK, "")


def refusal(fields: Mapping[str, str], code: int) -> bytes:
    """What a refused frame is told where policy allows it: 9011 with the code of table 6.

    Worked example: 9 says that the CRC was wrong. PW and MN are the refused frame's own.
    """
    return _reply(fields, REQUEST_ACK, f"QnRtn={code}")


def _reply(fields: Mapping[str, str], command: str, cp: str) -> bytes:
    number, password, mn = fields.get("QN"), fields.get("PW"), fields.get("MN")
    # As texts, cut where an honest one ends: what is remembered is found without judging the flag again.
    rest = _behind_number(
        command, password and password[:_ECHOED], mn and mn[:_ECHOED], fields.get("Flag", "")[:4], cp
    )
    return envelope(rest if number is None else b"QN=%b;%b" % (number[:_ECHOED].encode(), rest))


@lru_cache(maxsize=32_768)
def _behind_number(command: str, password: str | None, mn: str | None, flag_text: str, cp: str) -> bytes:
    """What a device is told again and again but for the QN."""
    flag = flag_of({"Flag": flag_text}) or 0
    known = (("PW", password), ("MN", mn))
    who = "".join([f"{name}={value};" for name, value in known if value is not None])
    return f"ST=91;CN={command};{who}Flag={flag >> 2 << 2};CP=&&{cp}&&".encode()
