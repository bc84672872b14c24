"""What each uplink command of HJ 212 carries (table 9), as the packaged table says.

Promises: pure; every command has a kind, an unknown one too. Leaves to `readings` and `device_facts` what the
pairs of a frame become.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
import yaml

Kind = Literal["values", "information", "serials", "notice", "reply", "heartbeat", "bulk", "unknown"]


class Upload(msgspec.Struct, frozen=True):
    """One command: what it carries, the period of its values, the edition that defines it, the clause."""

    cn: str
    kind: Kind
    since: int
    source: str
    period: Literal["rtd", "min", "hour", "day"] = "rtd"


@cache
def uploads() -> dict[str, Upload]:
    """All commands a logger may send, by CN."""
    text = files("ingest.rules").joinpath("upload_commands.yaml").read_text("utf-8")
    return {row.cn: row for row in msgspec.convert(yaml.load(text, Loader=yaml.CSafeLoader), list[Upload])}


def upload(cn: str) -> Upload:
    """What a command carries; of an unknown one, that it is unknown.

    Worked example: `upload("2061")` carries values of the period "hour"; `upload("7777").kind` is "unknown".
    """
    return _UPLOADS.get(cn) or Upload(cn, "unknown", 0, "in no edition of HJ 212")


_UPLOADS = uploads()
