"""What the platform refuses, as one exception: an RFC 9457 problem document.

Promises: `slug` is stable and meant for programs, the texts are Chinese and English and meant for people.
"""

from typing import Any, TypedDict

import httpx


class Fault(TypedDict, total=False):
    """One thing wrong with the input: where it is, which rule it breaks, what it is, how to mend it."""

    where: str
    rule: str
    what: str
    mend: str
    row: int


class Problem(Exception):
    """A refusal. Worked example: `except Problem as problem: print(problem.slug, problem.errors)`.

    `type` is the whole name, `slug` its end (`out-of-scope`); quote `trace_id` when you ask for help. Status
    0 means that no answer came: `unreachable`, nothing was sent; `unanswered`, it may have been done or not.
    """

    def __init__(self, status: int, document: dict[str, Any], retry_after: float | None = None) -> None:
        self.status, self.document, self.retry_after = status, document, retry_after
        self.type = str(document.get("type", "about:blank"))
        self.slug = self.type.rpartition("/")[2]
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.errors: list[Fault] = list(document.get("errors") or [])
        self.trace_id = str(document.get("trace_id", ""))
        super().__init__(f"{status} {self.slug}: {self.detail or self.title}")


def problem_of(answer: httpx.Response) -> Problem:
    """The problem of an answer, also of one that comes from something between us and the platform."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {"title": answer.reason_phrase, "detail": answer.text[:500]}
    elif "error" in document and "type" not in document:
        document = {"type": document["error"], "detail": document.get("error_description", "")}
    return Problem(answer.status_code, document, retry_after(answer))


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds to wait, where the answer names them."""
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() else None
