"""The typology of falsification of 环发〔2015〕175号: T tampering, F forging, I instigation.

Promises: a code means what the document says, in Chinese and English. Leaves choosing it to the officer.
"""

from cases.rules.dated import read
from cases.rules.refusal import Refusal

FAMILIES = {"T": ("篡改", "tampering"), "F": ("伪造", "forging"), "I": ("指使", "instigation")}


def codes() -> dict[str, tuple[str, str]]:
    """All codes with their names (zh, en): 14 of tampering, 8 of forging, 5 of instigation."""
    return {code: (names["zh"], names["en"]) for code, names in read("typology")["codes"].items()}


def label(code: str) -> tuple[str, str]:
    """The name of a code, e.g. `label("T09")[1]` begins with "Hidden interface"."""
    return codes()[code]


def refusal(code: str) -> Refusal | None:
    """Why `code` is no code of the typology, or None."""
    if code in codes():
        return None
    return Refusal(
        "typology",
        read("typology")["source"],
        f"没有代码 {code} · there is no code {code}",
        "使用 T01–T14、F01–F08 或 I01–I05 · use T01–T14, F01–F08 or I01–I05",
    )
