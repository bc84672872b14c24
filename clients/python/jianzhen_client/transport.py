"""One request, sent until it is answered or patience ends.

Promises: 429 is waited out as told; 503 and a broken connection are tried again only where sending twice does
no harm (GET, PUT, DELETE, and what carries an Idempotency-Key, the same in every try); whatever is refused is
a `Problem`. Leaves what is asked to the generated methods of `api`.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from jianzhen_client.credentials import Credentials
from jianzhen_client.problems import Problem, problem_of

KEY = "Idempotency-Key"
REPEATABLE = {"GET", "PUT", "DELETE"}
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
PROBLEM = "application/problem+json"
T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One operation with its arguments, as a generated method fills it in; None means: not said.

    `T` is what it is answered with.
    """

    method: str
    path: str
    places: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    media: str = "application/json"


class Group:
    """Operations that belong together."""

    def __init__(self, transport: "Transport") -> None:
        self._transport = transport


class Transport:
    """Sends calls. `patience` is the longest time, in seconds, that is waited for one answer."""

    def __init__(self, http: httpx.Client, credentials: Credentials | None, patience: float) -> None:
        self.http, self._credentials, self._patience = http, credentials, patience
        self._sleep: Callable[[float], None] = time.sleep

    def send(self, call: Call[T]) -> T:
        """The answer: JSON as Python has it, text as str, anything else as bytes. Raises Problem."""
        content: T = _content(self._answered(call))
        return content

    def pages(self, call: Call[Any]) -> Iterator[Any]:
        """The items of every page, each page asked for when it is needed."""
        cursor = call.query.get("cursor")
        while True:
            page = self.send(replace(call, query={**call.query, "cursor": cursor}))
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def _answered(self, call: Call[Any]) -> httpx.Response:
        headers = {name: str(value) for name, value in call.headers.items() if value is not None}
        if KEY in call.headers:
            headers.setdefault(KEY, str(uuid.uuid4()))
        is_repeatable = call.method in REPEATABLE or KEY in headers
        until, tries, refused = time.monotonic() + self._patience, 0, ""
        while True:
            found, token = self._try(call, headers, refused)
            if isinstance(found, httpx.Response):
                return found
            if found.status == 401 and token and not refused:
                refused = token
                continue
            wait = _wait(found, tries)
            if not _is_worth(found, is_repeatable=is_repeatable) or time.monotonic() + wait > until:
                raise found
            self._sleep(wait)
            tries += 1

    def _try(
        self, call: Call[Any], headers: Mapping[str, str], refused: str
    ) -> tuple[httpx.Response | Problem, str]:
        """The answer or what was wrong, and the token that was shown."""
        token = ""
        try:
            if self._credentials is not None:
                token = self._credentials.token(self.http, refused)
            answer = self.http.send(self._request(call, headers, token))
        except Problem as problem:
            return problem, ""
        except httpx.TransportError as error:
            is_unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            return Problem(
                0, {"type": "unreachable" if is_unsent else "unanswered", "detail": repr(error)}
            ), ""
        return (problem_of(answer) if not answer.is_success or _is_problem(answer) else answer), token

    def _request(self, call: Call[Any], headers: Mapping[str, str], token: str) -> httpx.Request:
        path = call.path.format(**{name: quote(str(value), safe="") for name, value in call.places.items()})
        given = dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})
        query = {name: value for name, value in call.query.items() if value is not None}
        if isinstance(call.body, bytes | str):
            given["Content-Type"] = call.media
            return self.http.build_request(call.method, path, params=query, headers=given, content=call.body)
        return self.http.build_request(call.method, path, params=query, headers=given, json=call.body)


def _is_worth(problem: Problem, *, is_repeatable: bool) -> bool:
    """Whether the same may be sent again: it was certainly not done, or doing it twice is doing it once."""
    is_undone = problem.status in {202, 429} or problem.slug == "unreachable"
    return is_undone or (is_repeatable and problem.status in {0, 503})


def _is_problem(answer: httpx.Response) -> bool:
    """Also a 202 may be one: what was asked for is not there yet."""
    return bool(answer.headers.get("content-type", "").startswith(PROBLEM))


def _wait(problem: Problem, tries: int) -> float:
    if problem.retry_after is not None:
        return problem.retry_after
    # Many clients that lost the same server shall not come back at the same moment.
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2**tries) * random.uniform(0.5, 1))  # noqa: S311


def _content(answer: httpx.Response) -> Any:
    media = answer.headers.get("content-type", "").partition(";")[0].strip()
    if not answer.content:
        return None
    if media == "application/json" or media.endswith("+json"):
        return answer.json()
    return answer.text if media.startswith("text/") else answer.content
