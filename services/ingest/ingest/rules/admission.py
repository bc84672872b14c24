"""Whether a frame is taken from whom it says it is, and by which return code a refusal may be told.

Promises: pure; the first objection decides, in the order in which a frame is trusted: its form, who it says
it is, then what proves that. Leaves flood, keeping and answering to `flows.frames`.
"""

import hashlib
from functools import cache, lru_cache
from importlib.resources import files

import yaml

from ingest.rules.frames import MAX_SEGMENT, Frame
from ingest.rules.refusals import Flaw, flaw
from ingest.rules.registry import Device

# What HJ 212-2017 table 5 allows as the sender's system in an answer to the host.
_INTERACTION = "91"
_REMEMBERED = 32
VARIANTS = ("modbus", "modbus-swapped", "absent")


def objection(frame: Frame, device: Device | None, address: str, certificate: str | None) -> Flaw | None:
    """Why a frame is not taken, if it is not.

    Worked example: the same frame with one digit of its CRC changed is "crc-wrong", whoever sent it.
    """
    return _form(frame, device) or _sender(frame, device, address, certificate)


def _form(frame: Frame, device: Device | None) -> Flaw | None:
    if frame.segment.cipher:
        return flaw("CP", "encrypted", device.mn if device else "")
    if frame.verdict != "annex" and not _accepts(frame.verdict, device):
        return flaw("CRC", "crc-wrong", f"{frame.verdict} {frame.crc_sent} ≠ {frame.crc_expected}")
    problems = frame.problems
    if frame.declared is None or (problems and any(one.startswith("length") for one in problems)):
        return flaw("length", "frame-broken", f"{frame.declared} ≠ {frame.actual}")
    for problem in frame.segment.problems:
        if problem.startswith("Flag"):
            return flaw("Flag", "wrong-flag", frame.fields.get("Flag", ""))
        if problem.startswith("CN"):
            return flaw("CN", "command-missing", frame.fields.get("CN", ""))
    if frame.segment.problems:
        return flaw("CP", "frame-broken", "; ".join(frame.segment.problems))
    return None


@lru_cache(maxsize=32_768)
def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()


def _accepts(verdict: str, device: Device | None) -> bool:
    if device is None or verdict == "wrong":
        return False
    return device.accepts_absent_crc if verdict == "absent" else device.accepts_modbus_crc


def _sender(frame: Frame, device: Device | None, address: str, certificate: str | None) -> Flaw | None:
    if device is None:
        return flaw("MN", "unknown-device", frame.fields.get("MN", ""))
    if device.password_sha256 is not None:
        password = frame.fields.get("PW", "")
        # What an intruder makes up is not remembered by the kilobyte.
        digest = _digest(password) if len(password) <= _REMEMBERED else _digest.__wrapped__(password)
        if not device.takes_password(digest):
            return flaw("PW", "wrong-password", device.mn)
    if device.addresses and address not in device.addresses:
        return flaw("address", "wrong-address", f"{device.mn}: {address}")
    if device.certificate is not None and certificate != device.certificate:
        return flaw("certificate", "wrong-certificate", f"{device.mn}: {certificate}")
    system = frame.fields.get("ST", "")
    if device.systems and system not in device.systems and system != _INTERACTION:
        return flaw("ST", "wrong-system", system)
    if frame.actual > MAX_SEGMENT and not device.accepts_long_segments:
        return flaw("length", "frame-broken", f"{frame.actual} > {MAX_SEGMENT}")
    return None


@cache
def _codes() -> dict[str, int]:
    text = files("ingest.rules").joinpath("return_codes.yaml").read_text("utf-8")
    return {row["rule"]: int(row["code"]) for row in yaml.load(text, Loader=yaml.CSafeLoader)}


def return_code(rule: str) -> int:
    """The QnRtn that tells a refusal (HJ 212-2017 table 6); 100 where the standard has no code for it.

    Worked example: `return_code("crc-wrong")` is 9.
    """
    return _codes().get(rule, 100)
