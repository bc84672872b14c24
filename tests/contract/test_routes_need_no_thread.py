"""Nothing of a request is made in a thread: what is not async, FastAPI hands to one, and waits for it.

A hop costs more than most of what is made there, and all requests of a process share forty threads.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from hand_table import SERVICES
from wiring import application


def is_async(call: Any) -> bool:
    code = call if inspect.isroutine(call) or inspect.isclass(call) else type(call).__call__
    return inspect.iscoroutinefunction(code) or inspect.isasyncgenfunction(code)


def threaded(app: FastAPI) -> Iterator[str]:
    """What FastAPI would hand to a thread, by route."""

    def below(dependant: Dependant) -> Iterator[Any]:
        for inner in dependant.dependencies:
            yield inner
            yield from below(inner)

    for route in iter_route_contexts(app.routes):
        dependant: Any = getattr(route, "dependant", None)
        for one in (dependant, *below(dependant)) if dependant else ():
            if not is_async(one.call):
                yield f"{route.path}: {one.call}"


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_and_nothing_it_depends_on_is_made_in_a_thread(service: str) -> None:
    assert list(threaded(application(service))) == []


def test_what_is_made_in_a_thread_is_found() -> None:
    app = FastAPI(openapi_url=None)

    async def fine() -> None: ...

    app.get("/sync")(lambda: None)
    app.get("/fine", dependencies=[Depends(fine)])(fine)
    app.get("/below", dependencies=[Depends(lambda: None)])(fine)
    assert [line.split(":")[0] for line in threaded(app)] == ["/sync", "/below"]
