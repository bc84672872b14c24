"""How the public API answers: pages, one language or both, ETag and Cache-Control.

Promises: equal content gives an equal ETag, and a repeated question with it costs 304 and no body. Every text
is a pair {"zh", "en"}; with `lang` each pair becomes the plain text of that language.
"""

import base64
import binascii
import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from kit.problems import Invalid

Lang = Annotated[
    Literal["zh", "en"] | None,
    Query(description="Plain texts in this language instead of pairs 仅返回一种语言"),
]
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[str | None, Query(description="`next` of the page before 上一页的 next")]

PAIR = frozenset({"zh", "en"})


def in_language(content: Any, lang: str | None) -> Any:
    """The content in one language: `{"name": {"zh": "优", "en": "Excellent"}}` → `{"name": "Excellent"}`."""
    if lang is None:
        return content
    if isinstance(content, dict):
        if content.keys() == PAIR:
            return content[lang]
        return {key: in_language(value, lang) for key, value in content.items()}
    if isinstance(content, list):
        return [in_language(value, lang) for value in content]
    return content


def answer(request: Request, content: Any, *, max_age: int, lang: str | None = None) -> Response:
    """The JSON answer, or 304 if the caller already has it. `max_age` in seconds."""
    text = json.dumps(in_language(content, lang), ensure_ascii=False, separators=(",", ":"))
    return raw(request, text, max_age=max_age)


def raw(request: Request, text: str, *, max_age: int) -> Response:
    """The same for a text that must reach the caller byte for byte."""
    body = text.encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={max_age}", "Vary": "Accept-Encoding"}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def cursor(at: datetime, key: str) -> str:
    """An opaque position in a list ordered by time and key."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{key}".encode()).decode().rstrip("=")


def position(given: str | None) -> tuple[datetime, str] | None:
    """The position of `cursor`. Raises Invalid `bad-cursor`."""
    if given is None:
        return None
    try:
        at, _, key = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().partition("|")
        return datetime.fromisoformat(at), key
    except (binascii.Error, ValueError) as error:
        raise Invalid("bad-cursor", "Not a cursor of this list 游标无效") from error
