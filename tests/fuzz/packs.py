"""Rule packs under fuzzing: the file they travel in, and the YAML inside it, for any bytes.

`check` raises on a broken truth: what is read is exactly what would be written again, what is refused says
why in both languages, and YAML is measured before anything is built of it.
"""

from datetime import date

from qc.rules.bundle import schema, signed
from qc.rules.bundle.refusal import BadPack
from tlog import ed25519

KEY, _ = ed25519.signer(bytes(range(32)), "ee.example/rules")
ON = date(2026, 11, 27)


def check_pack(data: bytes) -> None:
    """Any bytes are refused, or read as what they are; none of them judges, for they are no whole rules."""
    try:
        pack = signed.read(data)
    except BadPack as refused:
        assert refused.reason != "schema" and refused.zh and refused.en
    else:
        assert pack.data == data
    try:
        signed.opened(data, [KEY], ON)
    except BadPack as refused:
        assert refused.zh and refused.en
    else:
        raise AssertionError("a handful of bytes judges")


def check_rules(data: bytes) -> None:
    """Any text is a file of rules, or has a problem with a place and a cure."""
    for name in ("core.yaml", "falsification/K.yaml", "validity/marks.yaml"):
        found = [one for one in schema.check({name: data}) if one.file == name]
        assert len(found) <= 1
        for one in found:
            assert one.zh and one.en and one.mend_zh and one.mend_en


WORDS = (
    b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"manifest.json", b"signatures.txt", b"rules/core.yaml",
    b"../", b"valid_from", b"2026-01-01", "\u2014 ".encode(), b"\n\n",
)  # fmt: skip
YAML_WORDS = (
    b"- id: ", b"rules:", b"&a ", b"*a", b"<<: ", b"!!python/", b".nan", b"{", b"}", b"[", b"]", b": ",
    b"\n  ", b"'", b"|", b"? ", b"---\n", b"valid_from: 2026-01-01", b"set: {", b"\xc2\x85",
)  # fmt: skip
PACKS = {"pack": (check_pack, 8000, WORDS, 200), "rules": (check_rules, 4000, YAML_WORDS, 20)}
