"""Packs to try: the packaged rules, signed by an issuer of the scene, and what a forger makes of them."""

from collections.abc import Mapping
from datetime import date

from qc.rules.bundle import signed
from qc.rules.bundle.signed import Pack
from qc.rules.source import packaged
from tlog import ed25519

ISSUER = "ee.example/rules"
KEY, MAKE = ed25519.signer(bytes(range(32)), ISSUER)
STRANGER, STRANGERS = ed25519.signer(bytes(32), "someone.else/rules")
BEGIN, END, ON = date(2026, 11, 1), date(2027, 1, 1), date(2026, 11, 27)


def files(*changes: tuple[str, str, str]) -> dict[str, bytes]:
    """The packaged files; `files(("core.yaml", "min_run: 6", "min_run: 4"))` with a text replaced once."""
    made = {name: text.encode() for name, text in packaged().files.items()}
    for file, old, new in changes:
        assert old.encode() in made[file], (file, old)
        made[file] = made[file].replace(old.encode(), new.encode(), 1)
    return made


def pack(of: Mapping[str, bytes] | None = None, version: str = "2026.11.1") -> Pack:
    """Unsigned."""
    return signed.build(files() if of is None else of, version, ISSUER, BEGIN, END)


def data(of: Mapping[str, bytes] | None = None, version: str = "2026.11.1") -> bytes:
    """Signed by its issuer."""
    return signed.sign(pack(of, version), KEY, MAKE).data


# A city that finds six equal hours too patient: its verdicts differ from those of the packaged rules.
STRICTER = ("core.yaml", "set: {min_run: 6, reach: 2", "set: {min_run: 4, reach: 2")
