"""A logger under test: the demonstration's, on a real line to the receiver of the service under test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from ingest_scene import MN, MON, PASSWORD
from jianzhen.demo.logger import BEIJING, Logger, Machine, Tricks
from kit.testing.tokens import Tokens

REVIEWER = "ee.mon/qc.reviewer@131000"
ENDED = {"done", "refused", "failed", "timed-out", "cancelled"}


def hours_ago(hours: float, period: timedelta = timedelta(hours=1)) -> datetime:
    """The start of the period so long ago."""
    now = datetime.now(BEIJING) - timedelta(hours=hours)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // period * period


def digits(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y%m%d%H%M%S}"


def past(command: str, start: str) -> Sequence[tuple[str, Mapping[str, str]]]:
    """What the logger has measured: always the same value for one instant."""
    return [("a34004", {"Avg": f"{20 + int(start[8:10])}.5", "Flag": "N"})]


def machine(*tricks: str, **cells: Any) -> Machine:
    return Machine(MN, PASSWORD, past=past, tricks=Tricks.named(*tricks), **cells)


class Desk:
    """The officer's side: asks over HTTP and follows what becomes of it."""

    def __init__(self, client: httpx.AsyncClient, tokens: Tokens) -> None:
        self.client, self.tokens, self._keys = client, tokens, 0

    async def manners(self, **cells: Any) -> None:
        body = {"accepts_commands": True, "answer_seconds": 1, "resends": 1, **cells}
        answer = await self.client.put(f"/devices/{MN}/manners", json=body, headers=self.tokens.bearer(MON))
        assert answer.status_code == 200, answer.text

    async def post(
        self, command: str, key: str | None = None, who: str = MON, **given: Any
    ) -> httpx.Response:
        self._keys += 1
        headers = self.tokens.bearer(who) | {"Idempotency-Key": key or f"key-{self._keys}"}
        body = {"command": command, "parameters": given, "reason": "例行检查 routine"}
        return await self.client.post(f"/devices/{MN}/commands", json=body, headers=headers)

    async def ask(self, command: str, **given: Any) -> str:
        answer = await self.post(command, **given)
        assert answer.status_code == 202, answer.text
        if answer.json()["needs_approval"]:
            await self.approve(answer.json()["id"])
        return str(answer.json()["id"])

    async def approve(self, command: str, who: str = REVIEWER) -> httpx.Response:
        body = {"reason": "同意 agreed"}
        return await self.client.post(
            f"/commands/{command}/approve", json=body, headers=self.tokens.bearer(who)
        )

    async def show(self, command: str) -> dict[str, Any]:
        answer = await self.client.get(f"/commands/{command}", headers=self.tokens.bearer(MON))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def follow(
        self, command: str, until: Callable[[dict[str, Any]], bool] | None = None, seconds: float = 60
    ) -> dict[str, Any]:
        """The command as soon as it has ended, or `until` holds."""
        ready = until or (lambda shown: shown["state"] in ENDED)
        for _ in range(int(seconds * 20)):
            shown = await self.show(command)
            if ready(shown):
                return shown
            await asyncio.sleep(0.05)
        raise AssertionError(f"{shown['name']} stays {shown['state']}: {shown['steps']}")

    async def run(self, command: str, **given: Any) -> dict[str, Any]:
        return await self.follow(await self.ask(command, **given))


@asynccontextmanager
async def on_line(app: FastAPI, device: Machine, **how: Any) -> AsyncIterator[Logger]:
    """The device, connected and known: its first frame was answered."""
    port = how.pop("port", None) or app.state.receiver.port
    async with Logger("127.0.0.1", port, device, pause=0.2, **how) as line:
        await line.send([device.data("2061", digits(hours_ago(2)), past("2061", digits(hours_ago(2))))])
        yield line
