"""What the tests of the alarm desk share: asking as a department, an outlet that exceeds, the time now."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
from kit.testing.tokens import Tokens
from qc.flows.desk import escalate
from qc_scene import HOUR, Lane, ref

ANALYST = "ee.mon/qc.analyst@131000"
REVIEWER = "ee.mon/qc.reviewer@131000"
OFFICER = "ee.enf/case.officer@131000"
READER = "ee/data.read@131000"
ELSEWHERE = "ee.mon/qc.reviewer@131100"
STACK = {"site": "131000-P01", "site_kind": "outlet", "element": "waste_gas", "unit": "mg/m3", "decimals": 1}
SO2 = ref(10, "a21026", permit_limit=35.0, **STACK)
LEAD_GAS = ref(11, "a20043", permit_limit=0.5, **STACK | {"decimals": 3})

Act = Callable[..., Awaitable[Any]]


def actor(client: httpx.AsyncClient, tokens: Tokens) -> Act:
    """`await act(who, method, path, status=200, key=None, **body)`: the answer's JSON."""
    keys = count(1)

    async def act(
        who: str, method: str, path: str, status: int = 200, key: str | None = None, **body: Any
    ) -> Any:
        headers = tokens.bearer(who)
        if method == "POST":
            headers |= {"Idempotency-Key": key or f"key-{next(keys):06d}"}
            answer = await client.post(path, json=body, headers=headers)
        else:
            answer = await client.get(path, params=body or None, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return act


def hour_now() -> int:
    """The start of the last full hour, UTC milliseconds."""
    return int(datetime.now(UTC).timestamp() * 1000) // HOUR * HOUR - HOUR


async def exceed(lane: Lane, value: float = 52.5, hours_ago: int = 0) -> None:
    """The outlet reports an hour above its permit, now."""
    lane.clock.now = datetime.now(UTC)
    await lane.send([(SO2, hour_now() - hours_ago * HOUR, value)])


async def look(lane: Lane, **later: float) -> int:
    """The job looks, so much later than now."""
    async with lane.database.writer() as session:
        return await escalate(session, datetime.now(UTC) + timedelta(**later))


def shifts(*turns: tuple[int, str, str], region: str = "131000") -> list[dict[str, Any]]:
    """Turns of (level, department, person) around now."""
    now = datetime.now(UTC)
    window = {
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=9)).isoformat(),
    }
    return [
        {"region": region, "dept": dept, "level": level, "person": person, "name": f"{person} 同志", **window}
        for level, dept, person in turns
    ]
