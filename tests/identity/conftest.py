"""The same realm from the embedded issuer and from a real Keycloak that `jianzhen identity apply` filled."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from issuer.credentials import ensure
from issuer.keys import Keyring
from issuer.realm import load
from issuers import KEYCLOAK, KEYED, REALM, Issuer, Keycloak, wait_for
from jianzhen.identity import proof
from jianzhen.identity.people import proof_of
from kit.processes import free_port


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("key") / "system.pem"


@pytest.fixture(scope="session")
def next_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key that follows `key`: the realm holds both."""
    return tmp_path_factory.mktemp("next") / "system.pem"


@pytest.fixture(scope="session")
def service_keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Private keys of some of the platform's own services."""
    folder = tmp_path_factory.mktemp("services")
    return {name: folder / f"{name}.pem" for name in ("svc-ingest", "svc-gateway", "svc-credit")}


@pytest.fixture(scope="session")
def realm(
    tmp_path_factory: pytest.TempPathFactory, key: Path, next_key: Path, service_keys: dict[str, Path]
) -> Path:
    """The platform's realm and one system more; it and some services prove themselves by keys."""
    told = json.loads(REALM.read_text(encoding="utf-8"))
    for one in told["clients"]:
        if path := service_keys.get(one["clientId"]):
            one |= proof_of(proof.make(path))
    like = "sys-water-131000"
    client = next(one for one in told["clients"] if one["clientId"] == like)
    account = next(one for one in told["users"] if one.get("serviceAccountClientId") == like)
    told["clients"].append(
        client
        | {"id": str(uuid.uuid4()), "clientId": KEYED}
        | proof_of(f"{proof.make(key)} {proof.make(next_key)}")
    )
    told["users"].append(
        account
        | {"id": str(uuid.uuid4()), "username": f"service-account-{KEYED}", "serviceAccountClientId": KEYED}
    )
    path = tmp_path_factory.mktemp("realm") / "realm.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory, realm: Path) -> Iterator[Keycloak]:
    """The distribution of `make tools`, empty but for its own administrator."""
    assert (KEYCLOAK / "bin/kc.sh").exists(), "Keycloak is not there: run `make tools`"
    port, password = free_port(), secrets.token_urlsafe(16)
    base, log = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("keycloak") / "log"
    places = [f"--http-port={port}", "--http-host=127.0.0.1", f"--http-management-port={free_port()}"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                KEYCLOAK / "bin/kc.sh",
                "start",
                "--optimized",
                "--http-enabled=true",
                f"--hostname={base}",
                *places,
            ],
            env=os.environ
            | {
                "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
                "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
                "JAVA_OPTS_APPEND": "-Xms128m -Xmx512m -XX:TieredStopAtLevel=1",
            },
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(f"{base}/realms/master", process, log)
        yield Keycloak(base, password, realm)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory, realm: Path) -> Path:
    """A secrets file for every person and client of the realm."""
    path = tmp_path_factory.mktemp("identity") / "secrets.json"
    ensure(path, load(realm))
    return path


@pytest.fixture(scope="session")
def filled(keycloak: Keycloak, known: Path, key: Path) -> Issuer:
    """Keycloak with the realm in it."""
    done = keycloak.apply("--secrets", str(known))
    assert done.returncode == 0, done.stderr
    admin = keycloak.admin()

    def rotate() -> None:
        parent = keycloak.admin("master").get_realm("jianzhen")["id"]
        priority = str(100 + len(admin.get_keys()["keys"]))
        admin.create_component(
            {
                "name": f"rsa-{priority}",
                "providerId": "rsa-generated",
                "providerType": "org.keycloak.keys.KeyProvider",
                "parentId": parent,
                "config": {"priority": [priority], "algorithm": ["RS256"], "keySize": ["2048"]},
            }
        )

    def unlock(username: str) -> None:
        admin.clear_bruteforce_attempts_for_user(admin.get_user_id(username))

    return Issuer(keycloak.base, key, json.loads(known.read_text()), rotate, unlock)


@pytest.fixture(scope="session")
def embedded(
    tmp_path_factory: pytest.TempPathFactory, realm: Path, known: Path, key: Path
) -> Iterator[Issuer]:
    """The embedded issuer as a process of its own, on the same realm and secrets."""
    home, port = tmp_path_factory.mktemp("issuer"), free_port()
    base, mine = f"http://127.0.0.1:{port}", home / "secrets.json"
    shutil.copyfile(known, mine)
    settings = {"PORT": str(port), "ISSUER": f"{base}/realms/jianzhen", "STATE": str(home)}
    settings |= {"REALM": str(realm), "SECRETS": str(mine)}
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "issuer.main"],
            env=os.environ | {f"ISSUER_{name}": value for name, value in settings.items()},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"{base}/livez", process, log)
        yield Issuer(base, key, json.loads(known.read_text()), lambda: rotated(home), lambda username: None)
    finally:
        process.terminate()
        process.wait(20)


def rotated(home: Path) -> None:
    Keyring(home).rotate()


@pytest.fixture(params=["embedded", pytest.param("filled", marks=pytest.mark.slow)])
def issuer(request: pytest.FixtureRequest) -> Issuer:
    """Both, one after the other."""
    found: Issuer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def http(issuer: Issuer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=issuer.base, timeout=30) as client:
        yield client
