"""The registered world of `ingest_scene`, with a unit, its agency, its park, and short words for requests."""

from typing import Any

import httpx
from ingest_scene import USCC
from kit.testing.tokens import Tokens

CLERK = "ee.mon/data.submit@131000"
BUREAU = "ee/data.submit@131000"
APPROVER = "ee/registry.approver@131000"
OFFICER = "ee.enf/case.officer@131000"
READER = "ee/data.read@131000"
UNIT = "unit/data.submit@131081"
AGENCY_USCC = "91110108551385082Q"
SHA = "a" * 64


class Door:
    """The door of the service, asked as any principal: `await door.put("ee/…@131000", path, {…})`."""

    def __init__(self, client: httpx.AsyncClient, tokens: Tokens) -> None:
        self.client, self.tokens = client, tokens

    async def ask(self, who: str | None, method: str, path: str, **given: Any) -> httpx.Response:
        headers = given.pop("headers", {}) | (self._bearer(who) if who else {})
        return await self.client.request(method, path, headers=headers, **given)

    def _bearer(self, who: str) -> dict[str, str]:
        owner = {"unit": USCC, "agency": AGENCY_USCC, "operator": AGENCY_USCC}.get(who.partition("/")[0])
        return self.tokens.bearer(who, **({"uscc": owner, "org_type": "org"} if owner else {}))

    async def put(self, who: str, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        answer = await self.ask(who, "PUT", path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, who: str, path: str, body: Any, status: int = 200) -> Any:
        answer = await self.ask(who, "POST", path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, who: str | None, path: str, status: int = 200, **params: Any) -> Any:
        answer = await self.ask(who, "GET", path, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def findings(self, who: str = READER) -> list[str]:
        return [one["kind"] for one in (await self.get(who, "/findings", limit=1000))["items"]]

    async def edit(self, who: str, path: str, body: Any) -> Any:
        """A change of what stands there now."""
        tag = (await self.ask(who, "GET", path)).headers["etag"]
        return await self.put(who, path, body, **{"If-Match": tag})


async def enter_agency(door: Door) -> None:
    body = {"zh": "示例监测", "en": "Example Agency", "region": "131000", "kind": "agency"}
    await door.put(CLERK, f"/organisations/{AGENCY_USCC}", body)


def outlet(**cells: Any) -> dict[str, Any]:
    body = {"kind": "outlet", "element": "waste_gas", "region": "131081", "zh": "排口", "en": "Stack"}
    return body | {"uscc": USCC} | cells


def station(**cells: Any) -> dict[str, Any]:
    body = {"kind": "station", "element": "air", "region": "131002", "zh": "安次站", "en": "Anci"}
    return body | {"lon": 116.7, "lat": 39.5} | cells


def plan(site: str, **cells: Any) -> dict[str, Any]:
    item = {"site": site, "factor": "a21002", "method": "HJ-693", "mode": "manual", "every": "day"}
    return {"uscc": USCC, "plan": "P1", "version": 1, "items": [item], "quality": "空白与平行样"} | cells
