"""What people do in the demonstration: file, confirm, review, decide; draft, approve, publish; ask.

Promises: each act goes through the edge as that officer, with the documents the act needs. Leaves to `cases`
and `publish` whether it is lawful.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from jianzhen.platform import Platform
from jianzhen.state import Refused

OFFICER = "ee.enf/case.officer@131000"
REVIEWER = "ee.enf/case.legal_reviewer@131000"
APPROVER = "ee/case.approver@131000"
EDITOR = "ee/publish.editor@131000"
PUBLISHER = "ee/publish.approver@131000"
BUYER = "finance/procurement@131000"
OFFICERS = [
    {"name": "示例执法员甲", "certificate": "13100001"},
    {"name": "示例执法员乙", "certificate": "13100002"},
]
PATIENCE_SECONDS = 30.0
T = TypeVar("T")


def ask(platform: Platform, who: str | None, method: str, path: str, body: Any = None) -> Any:
    """One request at the edge; anything but success ends the demonstration with what was answered.

    What only reads is asked again while a service restarts (503), for half a minute.
    """
    limit = time.monotonic() + PATIENCE_SECONDS
    with platform.client(who) as client:
        try:
            answer = client.request(method, path, json=body)
            while answer.status_code == 503 and method == "GET" and time.monotonic() < limit:
                time.sleep(0.5)
                answer = client.request(method, path)
        except httpx.TransportError as error:
            raise Refused(f"{method} {path}: {error}", 3) from None
    if answer.is_error:
        raise Refused(f"{method} {path} as {who or 'public'}: {answer.status_code} {answer.text[:600]}", 1)
    return answer.json()


def every(platform: Platform, who: str | None, path: str) -> Iterator[dict[str, Any]]:
    """All items of a paged list."""
    cursor = None
    while True:
        joint = "&" if "?" in path else "?"
        page = ask(platform, who, "GET", f"{path}{joint}cursor={quote(cursor)}" if cursor else path)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def until(what: str, look: Callable[[], T | None], seconds: float = 60.0) -> T:
    """The first answer of `look` that is not None; the bus needs a moment."""
    limit = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > limit:
            raise Refused(f"{what} did not happen within {seconds:.0f} s: `jianzhen parked list`, logs", 1)
        time.sleep(0.2)
    return found


def papers(*kinds: str) -> list[dict[str, str]]:
    """Documents of the file, named by the digest of their bytes."""
    return [
        {"kind": kind, "title": kind, "sha256": hashlib.sha256(f"example {kind}".encode()).hexdigest()}
        for kind in kinds
    ]


def lead_at(platform: Platform, site: str, seconds: float = 60.0) -> dict[str, Any]:
    """The open lead at a site, as soon as there is one."""

    return until(f"a lead at {site}", lambda: _lead(platform, site, "&state=LEAD"), seconds)


def lead_at_any_state(platform: Platform, site: str) -> dict[str, Any]:
    """The newest lead at a site, whatever became of it."""
    return until(f"a lead at {site}", lambda: _lead(platform, site, ""))


def _lead(platform: Platform, site: str, condition: str) -> dict[str, Any] | None:
    return next(every(platform, OFFICER, f"/api/cases/leads?site={site}{condition}"), None)


def file_case(platform: Platform, lead: str) -> dict[str, Any]:
    """立案 by two officers."""
    body = {
        "reason": "在线数据与分钟数据不符，涉嫌弄虚作假",
        "officers": OFFICERS,
        "documents": papers("filing_approval"),
    }
    return dict(ask(platform, OFFICER, "POST", f"/api/cases/leads/{lead}/file", body))


def confirm(platform: Platform, case: str, subject_type: str) -> None:
    """认定 (T13: changing data without authority), then 法制审核 by somebody else."""
    confirmed = {
        "investigation_report": "现场核查：小时值固定不变，同期分钟值持续变化。",
        "reason": "符合环发〔2015〕175号第四条第十三项",
        "officers": OFFICERS,
        "typology": "T13",
        "subject_type": subject_type,
        "documents": papers("site_inspection_record", "investigation_report", "determination_opinion"),
    }
    ask(platform, OFFICER, "POST", f"/api/cases/cases/{case}/confirm-fraud", confirmed)
    passed = {"reason": "事实清楚，证据确凿，程序合法", "documents": papers("review_opinion")}
    ask(platform, REVIEWER, "POST", f"/api/cases/cases/{case}/review", passed)


def decide(platform: Platform, case: str, number: int, amount: int) -> dict[str, Any]:
    """处罚决定 by the head of the organ."""
    body = {
        "decision_no": f"示例环罚〔{datetime.now(UTC).year}〕{number}号",
        "amount_yuan": amount,
        "reason": "当事人篡改监测数据，依法从严处罚。",
        "documents": papers("prior_notice", "penalty_decision"),
    }
    return dict(ask(platform, APPROVER, "POST", f"/api/cases/cases/{case}/decide", body))


def annul(platform: Platform, case: str, reason: str) -> None:
    """撤销 by the head of the organ."""
    ask(platform, APPROVER, "POST", f"/api/cases/cases/{case}/annul", {"reason": reason})


def procurement(platform: Platform, uscc: str) -> dict[str, Any]:
    """What a buyer is told about a subject."""
    return dict(ask(platform, BUYER, "GET", f"/api/credit/procurement-check?uscc={uscc}"))


def barred(platform: Platform, uscc: str) -> dict[str, Any]:
    """The answer "barred", as soon as credit has listed the subject."""

    def look() -> dict[str, Any] | None:
        answer = procurement(platform, uscc)
        return answer if answer["answer"] == "barred" else None

    return until(f"the listing of {uscc}", look)


def release(platform: Platform, item: str, region: str, hour: int) -> dict[str, Any]:
    """Drafted and published by the editor, approved by somebody else; returns the published release."""
    at = datetime.fromtimestamp(hour, UTC).isoformat()
    draft = ask(
        platform, EDITOR, "POST", "/api/publish/releases", {"item_code": item, "region": region, "from": at}
    )
    if draft["status"] == "draft":
        approval = {"sha256": draft["sha256"]}
        draft = ask(platform, PUBLISHER, "POST", f"/api/publish/releases/{draft['id']}/approve", approval)
    if draft["status"] == "approved":
        draft = ask(platform, EDITOR, "POST", f"/api/publish/releases/{draft['id']}/publish")
    return dict(draft)
