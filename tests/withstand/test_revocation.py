"""A token that was called back is refused at the edge at once and by every service within 30 s."""

import base64
import json
import time
from dataclasses import replace

import httpx
import pytest
from jianzhen.state import SERVICES
from whole_platform import WholePlatform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
READS = {
    "ingest": "/sites",
    "qc": "/alarms",
    "cases": "/leads",
    "credit": "/listings",
    "publish": "/releases",
}


def status(base: str, path: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(base + path, headers=headers, trust_env=False, timeout=10).status_code


def test_every_service_refuses_a_revoked_token(platform: WholePlatform, station: str) -> None:
    officer, admin = "ee.enf/case.officer@131100", "platform.admin"
    token = platform.client.token(officer)
    subject = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["sub"]
    # Evidence has one door for officers; an entry that nobody has is 404.
    doors = {name: (platform.inside(name), READS.get(name, "/leaves/ingest-0")) for name in SERVICES}
    edge = f"{platform.edge}/api/cases"
    assert status(edge, "/leads", token) == 200
    before = {name: status(*door, token) for name, door in doors.items()}
    assert 401 not in before.values(), before
    time.sleep(1)
    answer = httpx.put(
        f"{platform.edge}/api/gateway/revocations/subject/{subject}",
        json={"reason": "证件遗失 lost card"},
        headers={"Authorization": f"Bearer {platform.client.token(admin)}"},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    begun = time.monotonic()
    assert status(edge, "/leads", token) == 401
    until = {}
    while len(until) < len(doors):
        assert time.monotonic() - begun < 30, set(doors) - set(until)
        for name in set(doors) - set(until):
            if status(*doors[name], token) == 401:
                until[name] = time.monotonic() - begun
        time.sleep(0.2)
    print("refused after", {name: f"{seconds:.1f} s" for name, seconds in until.items()})
    others = platform.client.token("ee.enf/case.officer@131000")
    assert status(edge, "/leads", others) == 200
    time.sleep(1.1)
    assert status(edge, "/leads", replace(platform.client, _tokens={}).token(officer)) == 200
