"""The portal by itself: drawings, sentences, and what it shows while the API is away."""

import re
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from portal.client import Away, PublicApi
from portal.main import application
from portal.render import environment, factor_text
from portal.settings import Settings

from portal import charts, texts

Client = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("path", ["/zh/", "/en/stations/131000-A01", "/zh/releases", "/en/releases/x"])
async def test_without_the_api_a_plain_page_says_so_in_both_languages(client_for: Client, path: str) -> None:
    app = application(Settings(port=1, api_base=f"http://127.0.0.1:{closed_port()}"))
    async with client_for(app) as client:
        answer = await client.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "10"
        assert "数据服务暂时无法访问" in answer.text
        assert "cannot be reached" in answer.text
        assert "Traceback" not in answer.text
        assert (await client.get("/livez")).json() == {"status": "alive"}
        assert (await client.get("/readyz")).json()["checks"] == {"api": False}


async def test_an_api_that_answers_nonsense_is_away(client_for: Client) -> None:
    async def nonsense(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"1"')]})
        await send({"type": "http.response.body", "body": b"<html>"})

    api = PublicApi("http://edge")
    await api.close()
    api._client = httpx.AsyncClient(transport=httpx.ASGITransport(nonsense), base_url="http://edge")
    with pytest.raises(Away):
        await api.latest("zh")
    await api.close()


async def test_a_page_that_the_api_refuses_to_name_is_no_page(client_for: Client) -> None:
    app = application(Settings(port=1, api_base="http://edge"))
    async with client_for(app) as client:
        await app.state.api.close()
        refusing = httpx.MockTransport(lambda request: httpx.Response(422, json={"detail": "no cursor"}))
        app.state.api._client = httpx.AsyncClient(transport=refusing, base_url="http://edge")
        answer = await client.get("/en/releases?cursor=%3Cscript%3E")
        assert (answer.status_code, "<script>" in answer.text) == (404, False)


async def test_the_list_and_the_method_need_no_credit_service(client_for: Client) -> None:
    app = application(Settings(port=1, api_base=f"http://127.0.0.1:{closed_port()}"))
    async with client_for(app) as client:
        assert (await client.get("/en/method")).status_code == 200
        listed = await client.get("/en/listings?uscc=9144030071526726XG")
        assert listed.status_code == 200
        assert "not available at the moment" in listed.text


USAGE = {
    "delay_days": 10,
    "least": 5,
    "items": [
        {
            "day": "2026-11-18",
            "department": {"code": "ee", "zh": "生态环境局", "en": "Ecology bureau"},
            "data": {"code": "raw:read", "zh": "查看原始报文", "en": "Read <raw> bytes"},
            "kind": {"code": "raw", "zh": "原始监测数据", "en": "Raw data"},
            "reads": reads,
        }
        for reads in (120, None)
    ],
    "next": "2026-11-18 ee raw:read",
}


async def test_the_log_of_usage_is_shown_in_both_languages_and_small_counts_are_not(
    client_for: Client,
) -> None:
    app = application(Settings(port=1, api_base="http://edge"))
    async with client_for(app) as client:
        await app.state.api.close()
        telling = httpx.MockTransport(lambda request: httpx.Response(200, json=USAGE))
        app.state.api._client = httpx.AsyncClient(transport=telling, base_url="http://edge")
        zh, en = [(await client.get(f"/{lang}/usage")).text for lang in ("zh", "en")]
    assert "生态环境局" in zh and "少于5次" in zh and "10天后公布" in zh and ">120<" in zh
    assert "Ecology bureau" in en and "fewer than 5" in en and "Read &lt;raw&gt; bytes" in en
    assert "cursor=2026-11-18%20ee%20raw%3Aread" in en


async def test_without_the_gateways_log_the_page_says_so(client_for: Client) -> None:
    app = application(Settings(port=1, api_base=f"http://127.0.0.1:{closed_port()}"))
    async with client_for(app) as client:
        answer = await client.get("/en/usage")
    assert (answer.status_code, "cannot be fetched at the moment" in answer.text) == (200, True)


def item(hour: int, value: float | None, left_out: str | None = None) -> dict[str, Any]:
    return {"ts": f"2026-11-20T{hour:02d}:00:00+08:00", "value": value, "left_out": left_out}


def drawn(*items: dict[str, Any]) -> charts.Curve | None:
    return charts.curve(list(items), "2026-11-20T00:00:00+08:00", "2026-11-21T00:00:00+08:00")


def test_a_gap_and_a_left_out_value_break_the_line() -> None:
    found = drawn(item(0, 10), item(1, 20), item(3, 30), item(4, 99, "suspect"), item(5, 40), item(6, None))
    assert found is not None
    assert [len(line.split()) for line in found.lines] == [2, 1, 1]
    assert len(found.crosses) == 1
    assert len(found.dots) == 4
    assert found.y_ticks[-1].label == "100"
    assert [tick.label for tick in found.x_ticks][:2] == ["00:00", "04:00"]


def test_nothing_to_draw_is_no_drawing() -> None:
    assert drawn() is None
    assert drawn(item(0, None)) is None


@pytest.mark.parametrize(("span", "step"), [(87, 25.0), (80, 20.0), (4, 1.0), (0.9, 0.25)])
def test_steps_are_round(span: float, step: float) -> None:
    assert charts.nice_step(span) == pytest.approx(step)


@pytest.mark.parametrize(
    ("aqi", "place"), [(0, 0), (50, 16.7), (75, 25.0), (300, 83.3), (500, 100), (620, 100)]
)
def test_the_scale_has_six_equal_parts(aqi: int, place: float) -> None:
    assert charts.scale_position(aqi) == place


def test_times_are_beijing_times() -> None:
    assert texts.minute("2026-11-20T16:30:00+00:00") == "2026-11-21 00:30"
    assert texts.number(None) == "—"
    assert texts.number(1.25, 1) == "1.2"


def test_every_sentence_used_by_a_template_exists_in_both_languages() -> None:
    loader = environment.loader
    assert loader is not None
    used: set[str] = set()
    for name in environment.list_templates(extensions=["html"]):
        source = loader.get_source(environment, name)[0]
        used |= set(re.findall(r'\b(?:t|zh|en|other)\("([a-z_]+\.[a-z_0-9]+)"', source))
    for key in used:
        section, _, name = key.partition(".")
        assert texts._TEXTS[section][name].keys() == {"zh", "en"}


def test_symbols_are_written_with_subscripts() -> None:
    assert factor_text("PM2.5") == "PM<sub>2.5</sub>"
    assert factor_text("SO2") == "SO<sub>2</sub>"
    assert factor_text("<b>") == "&lt;b&gt;"
