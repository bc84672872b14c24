"""Issuers that are running: what tests ask of them, and what only their keeper can do."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from keycloak import KeycloakAdmin, KeycloakOpenIDConnection

ROOT = Path(__file__).parents[1]
REALM = ROOT / "infra/keycloak/realm.json"
KEYED = "sys-key-131000"
KEYCLOAK = ROOT / ".tools/keycloak"
JIANZHEN = Path(sys.prefix) / "bin/jianzhen"
START_SECONDS = 240


@dataclass(frozen=True)
class Issuer:
    """A running issuer: where, its secrets and the key of `KEYED`, and what only its keeper can do."""

    base: str
    key: Path
    secrets: dict[str, dict[str, str]]
    rotate: Callable[[], None]
    unlock: Callable[[str], None]

    @property
    def issuer(self) -> str:
        return f"{self.base}/realms/jianzhen"

    def password(self, username: str) -> str:
        return self.secrets["users"][username]


@dataclass(frozen=True)
class Keycloak:
    base: str
    password: str
    realm: Path

    def admin(self, realm: str = "jianzhen") -> KeycloakAdmin:
        return KeycloakAdmin(
            connection=KeycloakOpenIDConnection(
                server_url=self.base,
                username="admin",
                password=self.password,
                realm_name=realm,
                user_realm_name="master",
            )
        )

    def apply(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`jianzhen identity apply`, as an administrator calls it."""
        return subprocess.run(
            [JIANZHEN, "identity", "apply", "--url", self.base, "--realm", self.realm, *arguments],
            env=os.environ | {"KEYCLOAK_ADMIN_PASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
        )

    def steps(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.apply("--json", *arguments)
        assert done.returncode in {0, 1}, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
        return found


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"nobody answers at {url}: {log.read_text()[-3000:]}")
