"""`jianzhen sandbox join --keycloak`, from nothing to the first accepted batch, as Keycloak issues tokens."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from issuers import JIANZHEN, Issuer, Keycloak
from jianzhen import databases, handing, streams
from jianzhen.accounts import OPERATOR
from jianzhen.plan import OIDC, Plan, Program
from jianzhen.state import State
from whole_platform import lasting_ports

pytestmark = [pytest.mark.slow, pytest.mark.platform, pytest.mark.timeout(600)]
NEEDED = ("ingest", "gateway")
CLERK = "ee.mon/data.submit@131000"


def believing(program: Program, keycloak: Keycloak) -> Program:
    """The program as a plan has it, told that Keycloak is the issuer."""
    realm = f"{keycloak.base}/realms/jianzhen"
    told = {"ISSUER": realm, "JWKS_URL": f"{realm}{OIDC}/certs", "TOKEN_URL": f"{realm}{OIDC}/token"}
    env = {f"{program.name.upper()}_{name}": value for name, value in told.items()}
    if program.name == "edge":
        env = {"EDGE_ISSUER": httpx.URL(keycloak.base).netloc.decode()}
    return replace(program, env=program.env | env)


@pytest.fixture(scope="module")
def plan(keycloak: Keycloak, filled: Issuer, service_keys: dict[str, Path]) -> Iterator[Plan]:
    """Edge, gateway and ingest of a run, each with its own secrets, and Keycloak instead of our issuer."""
    home = Path(tempfile.mkdtemp(prefix="jzk-"))
    state = State(home)
    state.prepare()
    names = ("edge", "edge_https", "hj212", "postgres", "nats", "issuer", "portal", *NEEDED)
    others = ("qc", "cases", "credit", "publish", "evidence")
    ports = dict(zip((*names, *others), lasting_ports(), strict=False))
    (home / "ports.json").write_text(json.dumps(ports))
    for service in NEEDED:
        shutil.copyfile(service_keys[f"svc-{service}"], home / "secrets" / f"client_{service}")
    plan = Plan(state)
    handing.write_nats_conf(plan)
    children = []
    try:
        plan.postgres.start()
        plan.nats.start()
        asyncio.run(streams.declare(plan.nats.url, handing.nats_seed(state, OPERATOR)))
        for service in NEEDED:
            handing.hand_out(plan, service)
            asyncio.run(databases._prepare(plan, service))
        for program in plan.programs():
            if program.name in (*NEEDED, "edge"):
                with state.log(program.name).open("wb") as log:
                    told = believing(program, keycloak)
                    children.append(subprocess.Popen(told.argv, env=told.env, stdout=log, stderr=log))
        until_ready(plan, f"{plan.inside('gateway')}/readyz", f"{plan.inside('ingest')}/livez")
        yield plan
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(30)
        plan.nats.stop()
        plan.postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


def until_ready(plan: Plan, *urls: str) -> None:
    deadline = time.monotonic() + 180
    for url in urls:
        while not answers(url):
            logs = {path.name: path.read_text()[-1500:] for path in plan.state.logs.glob("*.log")}
            assert time.monotonic() < deadline, logs
            time.sleep(0.3)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def token_of(keycloak: Keycloak, issuer: Issuer) -> str:
    form = {"grant_type": "password", "client_id": "jianzhen-cli", "username": CLERK}
    answer = httpx.post(
        f"{keycloak.base}/realms/jianzhen{OIDC}/token", data=form | {"password": issuer.password(CLERK)}
    )
    return str(answer.json()["access_token"])


def test_a_system_joins_and_its_first_batch_is_accepted(
    plan: Plan, keycloak: Keycloak, filled: Issuer, tmp_path: Path
) -> None:
    url = plan.edge
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JIANZHEN_")} | {
        "KEYCLOAK_ADMIN_PASSWORD": keycloak.password,
        "JIANZHEN_URL": url,
        "JIANZHEN_TOKEN": token_of(keycloak, filled),
        "PATH": f"{JIANZHEN.parent}{os.pathsep}{os.environ['PATH']}",
    }
    where = ["--dept", "met", "--keycloak", keycloak.base, "--json"]
    join = [JIANZHEN, "sandbox", "join", "met-first", *where]
    done = subprocess.run(join, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    env = tmp_path / said["env"]
    assert env.stat().st_mode & 0o777 == 0o600
    assert "JZ_SECRET" in env.read_text()

    # What it prints to do next is done as it stands.
    shell = said["next"].replace("curl -sS", "curl -sS --noproxy '*'") + "\necho; echo done"
    ran = subprocess.run(
        ["sh", "-eu", "-c", shell], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    # The answer's JSON and, without a line between them, the series as CSV.
    answer, end = json.JSONDecoder().raw_decode(ran.stdout)
    assert (answer["accepted"], answer["refused"]) == (1, 0), answer
    assert ",48," in ran.stdout[end:], ran.stdout

    again = subprocess.run(join, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["series"] == said["series"]
