"""The scene of custody: an agency with its people, a sample with its nine steps, and who speaks for whom."""

import itertools
from collections.abc import Mapping
from typing import Any

import httpx
from kit.testing.tokens import Tokens

AGENCY = "91110108551385082Q"
SITE = "131000-A01"
STAGES = (
    "siting", "sampling", "field_test", "preparation", "handover", "analysis", "transmission", "evaluation",
    "report",
)  # fmt: skip
PEOPLE = {
    "P1": ("采样员甲", ["sampler"]),
    "P2": ("采样员乙", ["sampler"]),
    "P3": ("分析员丙", ["analyst", "reviewer"]),
    "P4": ("校核员丁", ["checker"]),
    "P5": ("审核员戊", ["reviewer"]),
    "P6": ("签字人己", ["signatory"]),
    "P7": ("负责人庚", ["head"]),
}
WHO = {stage: ["P8"] for stage in STAGES} | {
    "sampling": ["P1", "P2"],
    "field_test": ["P2"],
    "analysis": ["P3"],
}
ROLES = {
    "analyst": "qc.analyst",
    "checker": "qc.reviewer",
    "reviewer": "qc.reviewer",
    "signatory": "qc.signatory",
}
SIGNING = {"analyst": "P3", "checker": "P4", "reviewer": "P5", "signatory": "P6"}
# Certificates of the register of staff: person, the post it is for.
CERTIFICATES = (
    ("P1", "reviewer"), ("P3", "analyst"), ("P3", "reviewer"), ("P4", "reviewer"), ("P5", "analyst"),
    ("P5", "reviewer"), ("P6", "signatory"),
)  # fmt: skip
keys = itertools.count(1)


def step(number: int, **more: Any) -> dict[str, Any]:
    """A whole record of the stage of that number."""
    stage = STAGES[number - 1]
    return {
        "number": number,
        "stage": stage,
        "happened_at": f"2026-11-20T{8 + number:02d}:00:00+08:00",
        "persons": WHO[stage],
        "instruments": ["ICP-01"],
        "materials": ["GBW07405"],
        "method": "HJ 700-2014",
        "environment": {"temperature": "21.5 C", "humidity": "45 %"},
        "measurement": "0.0213, 0.0211 mg/L",
        "raw": f"raw record of step {number}",
    } | more


class Lab:
    """Speaks to the service as an agency, or as whoever is named."""

    def __init__(self, client: httpx.AsyncClient, tokens: Tokens) -> None:
        self.client, self.tokens = client, tokens

    def headers(self, who: str, person: str | None = None, **claims: Any) -> dict[str, str]:
        if who.startswith(("agency/", "unit/")):
            claims = {"uscc": AGENCY, "org_type": "org"} | claims
        return self.tokens.bearer(who, **({"sub": f"subject-{person}"} if person else {}), **claims)

    async def post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], key: str = ""
    ) -> Any:
        told = {"Idempotency-Key": key or f"key-{next(keys):08d}", **headers}
        return await self.client.post(path, json=dict(body), headers=told)

    async def ask(self, path: str, who: str = "ee/qc.reviewer@131000", **params: Any) -> Any:
        return await self.client.get(path, params=params, headers=self.headers(who))

    async def enter(self, number: str, posts: list[str] | None = None, **more: Any) -> httpx.Response:
        name, usual = PEOPLE.get(number, (number, []))
        body = {
            "number": number,
            "name": name,
            "subject": f"subject-{number}",
            "region": "131000",
            "posts": posts or usual,
            "since": "2026-01-01",
        } | more
        return await self.post("/custody/people", body, self.headers("agency/data.submit@131000"))

    async def staff(self) -> None:
        for number in PEOPLE:
            answer = await self.enter(number)
            assert answer.status_code == 201, answer.text
        for number, post in CERTIFICATES:
            await self.certify(number, post)

    async def certify(self, number: str, post: str, /, **cells: Any) -> httpx.Response:
        """A person's certificate for a post, valid for two years unless told otherwise."""
        body = {
            "region": "131000", "name": PEOPLE[number][0], "number": number, "post": post,
            "certificate_no": f"Z-{number}", "certificate_from": "2026-01-01", "certificate_to": "2027-12-31",
        }  # fmt: skip
        headers = self.headers("agency/data.submit@131000") | {"If-Match": cells.pop("version", "*")}
        path = f"/registers/agencies/staff/{number}-{post}"
        answer = await self.client.put(path, json=body | cells, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    async def tell(self, sample: str, steps: list[dict[str, Any]], key: str = "") -> httpx.Response:
        body = {"sample": sample, "region": "131000", "steps": steps}
        return await self.post("/lims/steps", body, self.headers("agency/data.submit@131000"), key)

    async def result(self, number: str, sample: str, **more: Any) -> httpx.Response:
        body = {
            "number": number, "sample": sample, "region": "131000", "site": SITE, "factor": "w20120",
            "value": "0.0212", "unit": "mg/L", "method": "HJ 700-2014",
        } | more  # fmt: skip
        return await self.post("/custody/results", body, self.headers("agency/data.submit@131000"))

    async def made(self, number: str = "R-1", sample: str = "S-1") -> str:
        """A result over a whole chain of steps, nobody has signed."""
        answer = await self.tell(sample, [step(at) for at in range(1, 10)])
        assert answer.status_code == 202, answer.text
        answer = await self.result(number, sample)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def sign(
        self, result: str, post: str, person: str = "", role: str = "", **more: Any
    ) -> httpx.Response:
        who = self.headers(f"agency/{role or ROLES[post]}@131000", person or SIGNING[post])
        return await self.post(f"/custody/results/{result}/signatures", {"post": post} | more, who)

    async def issue(self, result: str) -> None:
        for post in SIGNING:
            answer = await self.sign(result, post)
            assert answer.status_code == 201, answer.text

    async def file(self, number: str, results: list[str]) -> httpx.Response:
        body = {"number": number, "region": "131000", "results": results, "sha256": "ab" * 32}
        return await self.post("/custody/reports", body, self.headers("agency/data.submit@131000"))

    async def shown(self, result: str, who: str = "ee/qc.reviewer@131000") -> dict[str, Any]:
        answer = await self.ask(f"/custody/results/{result}", who)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def refusals(answer: httpx.Response) -> list[str]:
    """The rules a refusal names."""
    return [fault["rule"] for fault in answer.json()["errors"]]
