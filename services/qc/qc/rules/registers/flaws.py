"""Why a record was not accepted, in Chinese and English, with the way to mend it."""

from functools import cache

import msgspec

from qc.rules.registers.dated import read


class Flaw(msgspec.Struct, frozen=True):
    """One flaw: the field, the rule it breaks, and what stood there."""

    where: str
    rule: str
    found: str

    def told(self) -> dict[str, str]:
        """where, rule, what, mend, and the Chinese forms of the last two.

        Worked example: `flaw("uscc", "uscc", "x").told()["what"]` is "not a unified social credit code: x".
        """
        what_zh, what, mend_zh, mend = (text.replace("{found}", self.found) for text in _texts()[self.rule])
        told = {"where": self.where, "rule": self.rule, "what": what, "mend": mend}
        return told | {"what_zh": what_zh, "mend_zh": mend_zh}


@cache
def _texts() -> dict[str, tuple[str, str, str, str]]:
    return read("flaws", dict[str, tuple[str, str, str, str]])


def rules() -> frozenset[str]:
    """The names of all rules that can refuse."""
    return frozenset(_texts())


def flaw(where: str, rule: str, found: object) -> Flaw:
    """A flaw with `found` shortened to what a person can read and a database can keep."""
    text = found if isinstance(found, str) else repr(found)
    shown = text.encode(errors="backslashreplace").decode().replace("\x00", "\\0")
    place = where.encode(errors="backslashreplace").decode().replace("\x00", "\\0")
    return Flaw(place[:80], rule, shown if len(shown) <= 80 else shown[:77] + "…")
