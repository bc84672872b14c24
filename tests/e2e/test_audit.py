"""The audit of a running platform: each look is in the public log, and what its owner changes is found."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from whole_platform import JIANZHEN, WholePlatform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
AUDITOR, OFFICER = "ee/auditor@131000", "ee.enf/case.officer@131000"


def audited(platform: WholePlatform) -> tuple[int, Any]:
    """Exit code and JSON of `jianzhen log audit`."""
    call = [*JIANZHEN, "log", "audit", "--json"]
    done = subprocess.run(call, env=platform.environ, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def get(platform: WholePlatform, who: str, path: str, **query: Any) -> httpx.Response:
    with platform.client.client(who) as client:
        return client.get(path, params=query)


def sealed(platform: WholePlatform, chain: str, number: int) -> dict[str, Any] | None:
    """The seal that covers an event, once there is one."""
    seals = get(platform, AUDITOR, "/api/gateway/audit/seals", limit=1000).raise_for_status().json()["items"]
    found = [seal for seal in seals if seal["chain"] == chain and seal["number"] >= number]
    return found[0] if found else None


def test_a_look_is_proved_by_the_public_log_and_a_change_of_it_is_found(
    platform: WholePlatform, tmp_path: Path
) -> None:
    asked = get(platform, OFFICER, "/api/cases/leads")
    assert asked.status_code == 200, asked.text
    request = asked.headers["x-request-id"]
    page = get(platform, AUDITOR, "/api/gateway/audit", request=request).raise_for_status().json()
    (row,) = page["items"]
    assert (row["principal"], row["permission"], row["kind"]) == (OFFICER, "leads:read", "case")
    place = (row["chain"], row["number"])
    platform.until(lambda: sealed(platform, *place), "a seal over the look")
    seal = sealed(platform, *place)
    assert seal is not None
    path = f"/api/gateway/audit/seals/{seal['id']}"
    platform.until(
        lambda: get(platform, AUDITOR, f"{path}/receipt").status_code == 200, "the receipt of the seal"
    )
    receipt, content, trust = (tmp_path / name for name in ("receipt.json", "seal.json", "trust.txt"))
    receipt.write_bytes(get(platform, AUDITOR, f"{path}/receipt").content)
    content.write_bytes(get(platform, AUDITOR, f"{path}/content").content)
    key = get(platform, AUDITOR, "/log/keys").json()["log"]["key"]
    trust.write_text(f"log {key}\nquorum 0\n")
    call = [sys.executable, "-m", "tlog", "verify", "receipt", str(receipt), "--raw", str(content)]
    done = subprocess.run([*call, "--trust", str(trust)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    code, told = audited(platform)
    assert (code, told["findings"]) == (0, [])
    changed = "UPDATE audit SET subject = $1 WHERE id = $2"
    platform.rows("gateway", changed, "somebody else", row["id"])
    code, told = audited(platform)
    assert (code, told["findings"]) == (1, [{"kind": "changed", "chain": place[0], "number": place[1]}])
    platform.rows("gateway", changed, row["subject"], row["id"])
    assert audited(platform)[0] == 0
