"""Why a row or a frame was not accepted, in Chinese and English, with the way to mend it.

Promises: every rule name used in this package has its texts here. Leaves counting and keeping to `flows`.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

NOTHING: dict[str, str] = {}


class Refusal(msgspec.Struct, frozen=True):
    """One refused row. `row` counts from 0; `where` names the field; `found` stood there; `site` if named."""

    row: int
    where: str
    rule: str
    found: str
    site: str | None = None

    def shown(self) -> dict[str, Any]:
        """The answer a sender gets for this row."""
        return {"row": self.row, "outcome": "refused", "where": self.where, **texts(self.rule, self.found)}


class Flaw(msgspec.Struct, frozen=True):
    """A refusal that is not yet tied to a row: many rows share one."""

    where: str
    rule: str
    found: str

    def at(self, row: int, site: str | None = None) -> Refusal:
        return Refusal(row, self.where, self.rule, self.found, site)


def flaw(where: str, rule: str, found: object) -> Flaw:
    """A flaw with `found` shortened to what a person can read and a database can keep."""
    shown = printable(found if isinstance(found, str) else repr(found))
    return Flaw(printable(where)[:80], rule, shown if len(shown) <= 80 else shown[:77] + "…")


def printable(text: str) -> str:
    """Text as a database can keep it: without NUL and lone surrogates, otherwise as it is."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode(errors="backslashreplace").decode().replace("\x00", "\\0")


@cache
def _table() -> dict[str, list[str]]:
    return dict(
        yaml.load(files("ingest.rules").joinpath("refusals.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    )


def rules() -> frozenset[str]:
    """The names of all rules that can refuse."""
    return frozenset(_table())


def texts(rule: str, found: str) -> dict[str, str]:
    """`rule`, `what`, `mend` and their Chinese forms.

    Worked example: `texts("unknown-site", "X")["what"]` is "the site X is not registered".
    """
    what_zh, what, mend_zh, mend = (
        text.format(found=found, limit="the earliest accepted year") for text in _table()[rule]
    )
    return {"rule": rule, "what": what, "what_zh": what_zh, "mend": mend, "mend_zh": mend_zh}
