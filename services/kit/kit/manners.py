"""Who may not ask is told so before anything is said of what they sent.

Promises: a body that cannot be read is answered with its fault only to those whom the route's guards let in;
FastAPI reads the body before it asks a guard. Leaves what a guard asks for to `kit.auth`.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from kit import problems
from kit.auth import Guard

Handler = Callable[[Request, Exception], Awaitable[Response]]


def guards_of(dependant: Dependant) -> Iterator[Guard]:
    """The guards of a route, wherever they stand, outermost first."""
    for inner in dependant.dependencies:
        if isinstance(inner.call, Guard):
            yield inner.call
        yield from guards_of(inner)


def _behind_the_guards(told: Handler) -> Handler:
    async def judged(request: Request, error: Exception) -> Response:
        dependant: Any = getattr(request.scope.get("route"), "dependant", None)
        try:
            for guard in guards_of(dependant) if dependant is not None else ():
                await guard(request)
        except problems.Problem as refused:
            return problems.response(refused, request.url.path)
        return await told(request, error)

    return judged


def install(app: FastAPI) -> None:
    """Wraps the handlers that `kit.problems` registered.

    Worked example: `{` sent by nobody to a guarded `POST /leads` is 401, sent by an officer 422.
    """
    for kind in (RequestValidationError, HTTPException):
        told: Any = app.exception_handlers[kind]
        app.add_exception_handler(kind, _behind_the_guards(told))
