"""What the other side's HTTP answers mean for a parcel.

Promises: only an answer of its own can park a parcel; what concerns the link as a whole (no route, not signed
in, too many, out of order) is a failure of the link, and the parcel waits. Leaves sending to `flows.uplinks`.
"""

from typing import Any, Literal

import msgspec

# Of the parcel itself; any other 4xx says that we knock at the wrong door or with the wrong key.
_OF_THE_PARCEL = frozenset({400, 409, 413, 415, 422})
_OUT_OF_SCOPE = "/problems/out-of-scope"
_SHOWN = 500


class Answer(msgspec.Struct):
    """`acknowledged`, `refused` for good, or `failed` for now; `refused_rows` are places in the parcel."""

    outcome: Literal["acknowledged", "refused", "failed"]
    text: str
    refused_rows: dict[int, str] = msgspec.field(default_factory=dict)
    wait_seconds: float = 0
    # A failure of this parcel alone, not of the link.
    is_own: bool = False


def read_status(status: int, body: bytes, retry_after: str | None) -> Answer:
    """What an HTTP answer means.

    Worked example: 202 acknowledges; 422 refuses for good; 503 with Retry-After 5 fails, wait at least 5 s.
    """
    shown = body[:_SHOWN].decode(errors="replace")
    text = f"{status} {shown}".replace("\x00", "")
    if 200 <= status < 300:
        return Answer("acknowledged", text, _refused(body))
    kind = _problem(body)
    if status in _OF_THE_PARCEL or (status == 403 and kind == _OUT_OF_SCOPE):
        return Answer("refused", text)
    wait = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0
    return Answer("failed", text, wait_seconds=min(wait, 3600), is_own=status == 500)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _problem(body: bytes) -> str:
    return str(_decoded(body).get("type", ""))


def _refused(body: bytes) -> dict[int, str]:
    rows = _decoded(body).get("rows")
    if not isinstance(rows, list):
        return {}
    return {
        row["row"]: f"{row.get('rule', '')}: {row.get('what', '')}"
        for row in rows
        if isinstance(row, dict) and row.get("outcome") == "refused" and isinstance(row.get("row"), int)
    }
