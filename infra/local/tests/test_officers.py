"""The officers of the demonstration at an edge whose services restart."""

from collections.abc import Callable

import httpx
import pytest
from jianzhen.demo import officers
from jianzhen.state import Refused


class Edge:
    """Stands where the platform is asked for a client; answers the statuses given, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.left = list(statuses)
        self.asked: list[str] = []

    def client(self, principal: str | None = None) -> httpx.Client:
        return httpx.Client(base_url="http://edge", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        return httpx.Response(self.left.pop(0) if self.left else 200, json={"items": []})


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[[Edge, str], object]:
    monkeypatch.setattr(officers, "PATIENCE_SECONDS", 5.0)
    return lambda edge, method: officers.ask(edge, None, method, "/api/cases/leads")  # type: ignore[arg-type]


def test_a_question_is_asked_again_while_a_service_restarts(ask: Callable[[Edge, str], object]) -> None:
    edge = Edge(503, 503)
    assert ask(edge, "GET") == {"items": []}
    assert edge.asked == ["GET"] * 3


@pytest.mark.parametrize(("method", "status"), [("POST", 503), ("GET", 403)])
def test_an_act_is_never_repeated_nor_a_refusal_asked_again(
    ask: Callable[[Edge, str], object], method: str, status: int
) -> None:
    edge = Edge(status)
    with pytest.raises(Refused):
        ask(edge, method)
    assert edge.asked == [method]
