"""A rotation cut short anywhere: what a service was handed gets in throughout, and the next call ends it."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from issuer.credentials import ensure
from issuer.realm import load
from jianzhen import accounts, handing, rotation, slots
from jianzhen.identity import files, proof
from jianzhen.plan import OIDC, Plan
from jianzhen.rotation import Rotation
from jianzhen.state import Refused, State
from joserfc.jwk import ECKey
from kit import nkeys
from kit.db import session_of
from kit.migrate import create_roles
from kit.processes import free_port
from kit.roles import LOGINS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MINE = [secret.name for secret in rotation.secrets_of("qc")]


class Cut(Exception):
    """The power went."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    """PostgreSQL, bus and issuer of a run, without its services."""
    state = State(tmp_path_factory.mktemp("run"))
    state.prepare()
    ports = ("edge", "postgres", "nats", "issuer")
    (state.home / "ports.json").write_text(str({name: free_port() for name in ports}).replace("'", '"'))
    plan = Plan(state)
    handing.write_nats_conf(plan)
    ensure(plan.identity, load(files.renew(state, keys=handing.service_keys(state))))
    plan.postgres.start()
    plan.nats.start()
    passwords = {role: state.secret(f"qc_{role}") for role in LOGINS}
    asyncio.run(create_roles(plan.postgres.superuser_url(), "qc", passwords))
    program = plan._issuer()
    child = subprocess.Popen(program.argv, env=program.env)
    try:
        until_answered(program.ready)
        yield plan
    finally:
        child.terminate()
        child.wait(20)
        plan.nats.stop()
        plan.postgres.kill()


def until_answered(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            assert httpx.get(url, trust_env=False).status_code == 200
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"nobody answers at {url}")


@pytest.fixture(autouse=True)
def _nobody_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """No service runs here that would take a second to look at its files."""
    monkeypatch.setattr(rotation, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(rotation, "MOVED_SECONDS", 0.0)


def is_admitted_with(plan: Plan, urls: list[str], seed: str, pem: str) -> list[bool]:
    """PostgreSQL, bus, issuer."""

    async def ask() -> list[bool]:
        try:
            connection = await session_of(lambda: urls, timeout=10)
            await connection.close()
            is_known = True
        except asyncpg.InvalidPasswordError:
            is_known = False
        return [is_known, rotation.bus_admits(plan.nats.port, seed)]

    form = proof.form_of("svc-qc", ECKey.import_key(pem), plan.realm)
    token = httpx.post(f"{plan.inside('issuer')}/realms/jianzhen{OIDC}/token", data=form, trust_env=False)
    return [*asyncio.run(ask()), token.status_code == 200]


def as_handed(plan: Plan) -> list[bool]:
    """Whether a service gets in with what is in its folder now."""
    folder = plan.secrets_of("qc")
    told = {path.name: path.read_text() for path in folder.iterdir()}
    urls = [told["qc_writer_url"], *filter(None, [told.get("qc_writer_url_next")])]
    return is_admitted_with(plan, urls, told["qc_nats_seed"], told["qc_client_key"])


def secrets_now(plan: Plan) -> dict[str, str]:
    return {name: (plan.state.home / "secrets" / name).read_text() for name in MINE}


def with_these(plan: Plan, told: dict[str, str]) -> list[bool]:
    url = plan.postgres.url("qc_writer", told["qc_writer"], "qc")
    return is_admitted_with(plan, [url], told["nkey_qc"], told["client_qc"])


def finished(plan: Plan, before: dict[str, str]) -> None:
    """The next call ends it: the new ones are in use alone, and there was one successor, not two."""
    assert rotation.under_way(plan.state) == ["qc"]
    announced = {name: slots.coming(plan.state, name) for name in MINE}
    Rotation(plan, ["qc"]).run(lambda stage: None)
    after = secrets_now(plan)
    assert all(after[name] == coming for name, coming in announced.items() if coming)
    assert not set(before.values()) & set(after.values())
    assert as_handed(plan) == with_these(plan, after) == [True, True, True]
    assert with_these(plan, before) == [False, False, False]
    assert rotation.under_way(plan.state) == []
    left = {path.suffix for path in (plan.state.home / "secrets").iterdir()}
    assert not left & {".next", ".old", ".past"}


@pytest.mark.parametrize("at", range(6))
def test_cut_between_two_stages(plan: Plan, at: int) -> None:
    handing.hand_out(plan, "qc")
    before, seen = secrets_now(plan), list[str]()

    def cut(stage: str) -> None:
        seen.append(stage)
        assert as_handed(plan) == [True, True, True], stage
        if len(seen) > at:
            raise Cut

    with pytest.raises(Cut):
        Rotation(plan, ["qc"]).run(cut)
    assert as_handed(plan) == [True, True, True]
    finished(plan, before)


@pytest.mark.parametrize("step", ["announce", "promote", "retire"])
@pytest.mark.parametrize("after", [1, 3])
def test_cut_within_a_stage(plan: Plan, monkeypatch: pytest.MonkeyPatch, step: str, after: int) -> None:
    handing.hand_out(plan, "qc")
    before, done = secrets_now(plan), list[str]()
    real: Callable[..., None] = getattr(slots, step)

    def failing(state: State, name: str, *more: object) -> None:
        if len(done) == after:
            raise Cut
        done.append(name)
        real(state, name, *more)

    with monkeypatch.context() as power:
        power.setattr(slots, step, failing)
        with pytest.raises(Cut):
            Rotation(plan, ["qc"]).run(lambda stage: None)
    assert as_handed(plan) == [True, True, True]
    finished(plan, before)


def test_an_up_in_the_middle_takes_nothing_back(plan: Plan) -> None:
    """`up` after a cut sets the passwords that are in use: a service has both."""
    handing.hand_out(plan, "qc")
    before = secrets_now(plan)

    def cut(stage: str) -> None:
        if stage.startswith("promote"):
            raise Cut

    with pytest.raises(Cut):
        Rotation(plan, ["qc"]).run(cut)
    passwords = {role: plan.state.secret(f"qc_{role}") for role in LOGINS}
    asyncio.run(create_roles(plan.postgres.superuser_url(), "qc", passwords))
    assert as_handed(plan) == [True, True, True]
    finished(plan, before)


def test_only_what_is_named_is_changed(plan: Plan) -> None:
    assert rotation.owners("qc") == ["qc"]
    with pytest.raises(Refused, match="operator"):
        rotation.owners("portal")
    others = {path: path.read_text() for path in (plan.state.home / "secrets").glob("nkey_*")}
    Rotation(plan, ["qc"]).run(lambda stage: None)
    changed = {path.name for path, text in others.items() if path.read_text() != text}
    assert changed == {"nkey_qc"}


def test_no_password_is_in_a_statement() -> None:
    """PostgreSQL keeps what it was given as a verifier; RFC 5803's form, and no two alike."""
    one, other = rotation.scram_verifier("secret"), rotation.scram_verifier("secret")
    assert one != other
    assert one.startswith("SCRAM-SHA-256$4096:")
    assert "secret" not in one


def test_what_is_handed_out_is_for_its_owner_only(plan: Plan) -> None:
    folder: Path = handing.hand_out(plan, "qc")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in [*folder.iterdir(), plan.nats_conf]} == {0o600}


def test_the_configuration_of_the_bus_knows_keys_and_no_secret(plan: Plan) -> None:
    handing.write_nats_conf(plan)
    conf = plan.nats_conf.read_text()
    for user in (accounts.OPERATOR, *accounts.SERVICES):
        seed = handing.nats_seed(plan.state, user)
        assert nkeys.public(seed) in conf and seed not in conf
    assert "_NATS_" not in conf
