"""RFC 9457 problem documents: the one error type of the platform.

Promises: whatever fails inside a request becomes `application/problem+json` with a stable slug; nothing of
the inside leaks from an unexpected failure; a store that is away, full or read-only is 503 with Retry-After.
A flow raises a `Problem`; rules return values instead. Leaves to `kit.bus` what a Problem means on the bus
(4xx is parked at once, `Unavailable` is retried).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry import trace
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

log = structlog.get_logger()


class Fault(TypedDict):
    """One thing wrong with the input: where it is, which rule it breaks, what was found, how to mend it."""

    where: str
    rule: str
    what: str
    mend: str


class Problem(Exception):
    """An expected refusal. Worked example: `raise Conflict("case-already-filed", "Case 7 is filed")`."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error 内部错误"

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        # Half of a surrogate pair, quoted from a request, would be no JSON.
        self.detail = detail.encode(errors="backslashreplace").decode()
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = extra


class BadRequest(Problem):
    status = 400
    title = "Malformed request 请求格式错误"


class Unauthorized(Problem):
    status = 401
    title = "Not signed in 未登录"


class Forbidden(Problem):
    status = 403
    title = "Not permitted 无权限"


class NotFound(Problem):
    status = 404
    title = "Not found 未找到"


class Conflict(Problem):
    status = 409
    title = "Conflicts with the current state 与当前状态冲突"


class TooSlow(Problem):
    status = 408
    title = "The request took too long to arrive 请求发送过慢"


class Gone(Problem):
    status = 410
    title = "No longer kept 已不再保存"


class TooLarge(Problem):
    status = 413
    title = "Body too large 请求体过大"


class Invalid(Problem):
    status = 422
    title = "Input not acceptable 输入不合要求"


class TooMany(Problem):
    status = 429
    title = "Too many requests 请求过多"


class Unavailable(Problem):
    """May work later. `retry_after` in seconds becomes the Retry-After header."""

    status = 503
    title = "Temporarily unavailable 暂不可用"

    def __init__(self, slug: str, detail: str, *, retry_after: int = 5, **extra: Any) -> None:
        super().__init__(slug, detail, headers={"Retry-After": str(retry_after)}, **extra)
        self.retry_after = retry_after


class NotReady(Unavailable):
    """The service itself may not go on: what it hears waits, as long as it takes, and is never parked."""


def trace_id() -> str | None:
    """The current trace id as 32 hex digits, None outside a trace."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def document(problem: Problem, instance: str) -> dict[str, Any]:
    """The members of the problem document."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        "trace_id": trace_id(),
    }
    if problem.errors:
        body["errors"] = problem.errors
    return body | problem.extra


def response(problem: Problem, instance: str) -> JSONResponse:
    return JSONResponse(
        document(problem, instance),
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


class _Plain(Problem):
    """A framework refusal (404, 405 …) in our shape."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None) -> None:
        super().__init__(f"http-{status}", detail, headers=headers)
        self.status = status  # type: ignore[misc]
        self.title = detail  # type: ignore[misc]


def is_store_away(error: BaseException) -> bool:
    """Whether PostgreSQL could not be reached or could not write.

    SQLSTATE classes 08 connection, 53 resources (disk full), 57 operator intervention, 58 system error, and
    25006 read-only: the same request may succeed later, so a sender must keep its data and try again.
    """
    seen: BaseException | None = error
    while seen is not None:
        state = str(getattr(seen, "sqlstate", None) or "")
        if state[:2] in {"08", "53", "57", "58"} or state == "25006":
            return True
        if isinstance(seen, ConnectionError | TimeoutError) or type(seen).__name__ == "InterfaceError":
            return True
        seen = getattr(seen, "orig", None) or seen.__cause__
    return False


# NUL in a text (as such, or escaped in JSON), a text that is no uuid, no date, or out of the calendar.
_UNKEEPABLE = {"22021", "22P05", "22P02", "22007", "22008"}


def is_unkeepable(error: BaseException) -> bool:
    """Whether a value of the request is none PostgreSQL can hold: NUL, a number or date out of range.

    Client-side refusals of the driver have no SQLSTATE; its class is a `DataError`.
    """
    refused = getattr(getattr(error, "orig", None), "__cause__", None)
    return type(refused).__name__ == "DataError" or getattr(refused, "sqlstate", None) in _UNKEEPABLE


def _faults(error: RequestValidationError) -> list[Fault]:
    return [
        Fault(
            where="/".join(str(part) for part in item["loc"]),
            rule=str(item["type"]),
            what=str(item["msg"]),
            mend="See the OpenAPI schema of this route 参见该接口的 OpenAPI 定义",
        )
        for item in error.errors()
    ]


def install(app: FastAPI) -> None:
    """Registers the handlers on `app`."""

    async def on_problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        if error.status >= 500 and not isinstance(error, Unavailable):
            log.error("problem", slug=error.slug, detail=error.detail)
        return response(error, request.url.path)

    async def on_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        problem = Invalid("input-invalid", "The request does not match the schema", errors=_faults(error))
        return response(problem, request.url.path)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return response(_Plain(error.status_code, str(error.detail), error.headers), request.url.path)

    async def on_store(request: Request, error: Exception) -> JSONResponse:
        if not is_unkeepable(error):
            raise error
        log.warning("value_not_keepable", path=request.url.path, error=str(getattr(error, "orig", error)))
        detail = "A value holds a NUL character, or is out of range for its kind 含有无法保存的值"
        return response(Invalid("value-not-keepable", detail), request.url.path)

    async def on_anything(request: Request, error: Exception) -> JSONResponse:
        found = request.scope.get("trace_id")
        log.exception("request_failed", path=request.url.path, trace_id=found, exc_info=error)
        problem = Problem("internal-error", "The failure was logged with this trace id", trace_id=found)
        return response(problem, request.url.path)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(DBAPIError, on_store)
    app.add_exception_handler(Exception, on_anything)
