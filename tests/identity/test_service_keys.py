"""Services and systems prove themselves by keys, and may change them, at either issuer alike."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from issuers import KEYED, Issuer
from jianzhen.identity import proof
from joserfc.jwk import ECKey
from kit import settings as kit_settings
from kit.auth import ServiceTokens, Verifier
from kit.problems import Unavailable
from kit.settings import ServiceSettings

OIDC = "/realms/jianzhen/protocol/openid-connect"
SERVICE = "svc-credit"


def told(issuer: Issuer, key: str) -> ServiceSettings:
    nobody = {"writer_url": "x", "reader_url": "x", "nats_url": "x", "nats_user": "x", "nats_seed": "x"}
    where = {"jwks_url": f"{issuer.base}{OIDC}/certs", "token_url": f"{issuer.base}{OIDC}/token"}
    return ServiceSettings.model_validate(
        {**nobody, **where, "port": 1, "issuer": issuer.issuer, "client_id": SERVICE, "client_key": key}
    )


async def test_a_service_proves_itself_by_its_key(issuer: Issuer, right_key: bytes) -> None:
    settings = told(issuer, right_key.decode())
    tokens = ServiceTokens(settings)
    try:
        header = (await tokens.headers())["Authorization"]
    finally:
        await tokens.close()
    verifier = Verifier(settings)
    principal = await verifier.principal(header)
    await verifier.close()
    assert (principal.roles, principal.dept) == (frozenset({"platform.service"}), None)


async def test_a_service_with_another_key_or_none_gets_no_token(issuer: Issuer) -> None:
    strange = ECKey.generate_key("P-256").as_pem(private=True).decode()
    for key in (strange, ""):
        tokens = ServiceTokens(told(issuer, key))
        with pytest.raises(Unavailable):
            await tokens.headers()
        await tokens.close()


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts a key where a service has it mounted; it looks there at every request."""
    monkeypatch.setattr(kit_settings, "SECRETS", tmp_path)
    monkeypatch.setattr(kit_settings, "FRESH_SECONDS", 0.0)

    def put(key: bytes) -> None:
        (tmp_path / "client_key").write_bytes(key)

    return put


@pytest.fixture
def right_key(service_keys: dict[str, Path]) -> bytes:
    return service_keys[SERVICE].read_bytes()


async def test_a_key_that_was_changed_in_its_file_counts_without_a_restart(
    issuer: Issuer, right_key: bytes, handed: Callable[[bytes], None]
) -> None:
    handed(ECKey.generate_key("P-256").as_pem(private=True))
    tokens = ServiceTokens(told(issuer, "x"))
    with pytest.raises(Unavailable):
        await tokens.headers()
    handed(right_key)
    assert await tokens.headers()
    await tokens.close()


def test_while_a_system_changes_its_key_both_are_good(
    issuer: Issuer, http: httpx.Client, next_key: Path, tmp_path: Path
) -> None:
    proof.make(tmp_path / "third.pem")
    found = {}
    for path in (issuer.key, next_key, tmp_path / "third.pem"):
        found[path] = http.post(f"{OIDC}/token", data=proof.form(KEYED, path, issuer.issuer)).status_code
    assert list(found.values())[:2] == [200, 200]
    assert found[tmp_path / "third.pem"] in {400, 401}
