"""The world of the registers: an outlet and a station, a unit, its operator, agencies, and short words."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
from contracts.ingest import RegistryChanged, SiteRegistered
from kit.testing.tokens import Tokens
from qc.flows.registers import known
from qc.jobs import register_deadlines
from qc_scene import Lane, ref

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
UNIT, OPERATOR, AGENCY, OTHER = (f"9113100{n}MA0000001X" for n in range(4))
OUTLET, STATION = "131000-P01", "131000-A01"
CLERK, BUREAU = "ee.mon/data.submit@131000", "ee/data.submit@131000"
ANALYST, OFFICER = "ee.mon/qc.analyst@131000", "ee.enf/case.officer@131000"
MARKET = "samr/data.submit@131000"
SHA = "a" * 64
SO2 = ref(
    10, "a21026", site=OUTLET, site_kind="outlet", element="waste_gas", unit="mg/m3", decimals=1, uscc=UNIT
)
STACK = {
    "site": OUTLET, "factors": ["a21026"], "application": "flue-gas", "principle": "extractive",
    "model": "CEMS-2000", "serial": "S1", "maker": "示例仪器", "model_certificate": "CPA-2020-1",
    "is_mandatory": False, "operator": OPERATOR,
}  # fmt: skip


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat()


def day(days: int) -> str:
    """So many days from today (+08:00)."""
    return ((NOW + timedelta(hours=8)) + timedelta(days=days)).date().isoformat()


class Desk:
    """The door of qc, asked as any principal of any department."""

    def __init__(self, client: httpx.AsyncClient, tokens: Tokens, lane: Lane) -> None:
        self.client, self.tokens, self.lane, self.number = client, tokens, lane, 0

    def _bearer(self, who: str, uscc: str | None) -> dict[str, str]:
        owner = uscc or {"unit": UNIT, "agency": AGENCY, "operator": OPERATOR}.get(who.partition("/")[0])
        return self.tokens.bearer(who, **({"uscc": owner, "org_type": "org"} if owner else {}))

    async def put(
        self, who: str, path: str, body: Any, status: int = 200, uscc: str | None = None, **headers: str
    ) -> Any:
        given = headers | self._bearer(who, uscc)
        answer = await self.client.put(f"/registers/{path}", json=body, headers=given)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(
        self, who: str, path: str, status: int = 200, uscc: str | None = None, **params: Any
    ) -> Any:
        answer = await self.client.get(path, params=params or None, headers=self._bearer(who, uscc))
        assert answer.status_code == status, answer.text
        return answer.json()

    async def enter(self, who: str, kind: str, body: dict[str, Any], status: int = 200, **more: Any) -> Any:
        """A new record under a code of its own."""
        self.number += 1
        return await self.put(who, f"{kind}/R{self.number}", body, status, **more)

    async def findings(self, who: str = ANALYST, **params: Any) -> list[str]:
        found = await self.get(who, "/register-findings", state="open", limit=1000, **params)
        return sorted(one["finding"] for one in found["items"])

    async def tick(self, at: datetime) -> None:
        """The job of the deadlines runs at an instant."""
        app: Any = SimpleNamespace(state=SimpleNamespace(database=self.lane.database))
        await register_deadlines(lambda: at).run(app)

    async def site(self, code: str, uscc: str | None, *, assessed: bool = False) -> None:
        event = SiteRegistered(
            code=code, kind="station" if uscc is None else "outlet", element="air", region="131000",
            name_zh="点", name_en="Point", uscc=uscc, is_assessed=assessed,
        )  # fmt: skip
        async with self.lane.database.writer() as session:
            await known.keep_site(session, event, NOW)

    async def method(self, standard: str, *factors: str) -> None:
        event = RegistryChanged(
            kind="methods", code=standard.replace(" ", "-"), change=1, changed_at_ms=0, after_sha256="",
            after={"body": {"standard_no": standard, "factors": list(factors)}},
        )  # fmt: skip
        async with self.lane.database.writer() as session:
            await known.keep_method(session, event)

    async def instrument(self, code: str = "I1", **cells: Any) -> Any:
        """An instrument of the unit at its outlet, used for 60 days."""
        await self.site(OUTLET, UNIT)
        body = STACK | {"in_use_from": ago(days=60)} | cells
        return await self.put("unit/data.submit@131000", f"metrology/instruments/{code}", body)

    async def person(self, code: str = "P1", who: str = "operator/data.submit@131000", **cells: Any) -> Any:
        body = {
            "region": "131000", "name": "张三", "post": "operator", "certificate_no": "Z1",
            "certificate_from": day(-300), "certificate_to": day(300),
        }  # fmt: skip
        return await self.put(who, f"agencies/staff/{code}", body | cells)

    async def calibrate(self, days: float, span: float = 160.0, instrument: str = "I1", **cells: Any) -> Any:
        """A zero and span check of SO2, full scale 200, span gas 160, so many days ago."""
        reading = {
            "factor": "a21026", "full_scale": 200, "zero_reference": 0, "zero_reading": 0.2,
            "span_reference": 160, "span_reading": span,
        }  # fmt: skip
        body = {"instrument": instrument, "done_at": ago(days=days), "way": "manual", "readings": [reading]}
        return await self.enter("operator/data.submit@131000", "metrology/calibrations", body | cells)

    async def compare(
        self, days: float, pairs: list[tuple[float, float]], status: int = 200, **cells: Any
    ) -> Any:
        body = {
            "instrument": "I1", "factor": "a21026", "done_at": ago(days=days), "method": "HJ 57-2017",
            "pairs": [{"reference": a, "monitored": b} for a, b in pairs],
        }  # fmt: skip
        return await self.enter("operator/data.submit@131000", "metrology/comparisons", body | cells, status)

    async def visit(self, days: float) -> Any:
        body = {
            "instrument": "I1",
            "done_at": ago(days=days),
            "work": "inspection",
            "detail": "巡检",
            "done_by": ["P1"],
        }
        return await self.enter("operator/data.submit@131000", "metrology/om-records", body)

    async def state(self, **span: float) -> Any:
        at = ago(**span).replace("+", "%2B")
        return await self.get(ANALYST, f"/instrument-state/10?at={at}")


LAB = "agency/data.submit@131000"
MATERIAL: dict[str, Any] = {
    "region": "131000", "name_zh": "二氧化硫标气", "name_en": "SO2 in nitrogen", "certificate_no": "GBW08100",
    "lot": "L1", "factor": "a21026", "value": 160, "uncertainty": 1.6, "unit": "mg/m3", "expires_on": day(30),
    "quantity": 3,
    "quantity_unit": "bottle", "bought_on": day(-100), "supplier": "某标准物质中心",
    "traceability": [
        {"level": "secondary", "holder": "某标准物质中心", "certificate": "C1"},
        {"level": "national", "holder": "中国计量科学研究院", "certificate": "C2"},
    ],
}  # fmt: skip
CERTIFICATE: dict[str, Any] = {
    "region": "131000", "certificate_no": "CMA-1", "valid_from": day(-700), "valid_to": day(-10),
    "scope": [{"factor": "w01018", "method": "HJ 828-2017"}, {"factor": "w21003"}],
}  # fmt: skip
REPORT: dict[str, Any] = {
    "region": "131000", "number": "B-1", "client": UNIT, "contract": SHA, "raw_records": SHA, "document": SHA,
    "items": [{"factor": "w01018", "method": "HJ 828-2017", "value": 12, "unit": "mg/L"}],
}  # fmt: skip


def flags(shown: Any) -> list[str]:
    return [one["flag"] for one in shown["flags"]]
