"""Tokens that were called back: by whom they are named, and up to when they were issued."""

import time

import pytest
from kit.auth import Verifier
from kit.problems import Unauthorized
from kit.revocation import Revocation, Revocations, names_of
from kit.settings import ServiceSettings

WHO = "ee.enf/case.officer@131000"


@pytest.fixture
async def verifier(tokens):
    known = {name: tokens.settings[name] for name in ("issuer", "jwks_url")}
    made = Verifier(ServiceSettings.model_construct(audience="jianzhen", **known))
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("kind", "value"), [("subject", "7"), ("session", "s-1"), ("client", "desk"), ("all", "-")]
)
async def test_a_token_issued_before_is_refused_and_a_later_one_is_good(
    verifier, tokens, kind, value
) -> None:
    now = int(time.time())
    old = tokens.bearer(WHO, sub="7", sid="s-1", azp="desk", iat=now - 60)["Authorization"]
    new = tokens.bearer(WHO, sub="7", sid="s-1", azp="desk", iat=now)["Authorization"]
    other = tokens.bearer(WHO, sub="8", sid="s-2", azp="cli", iat=now - 60)["Authorization"]
    # Known already: what verified once is asked again, too.
    assert (await verifier.principal(old)).subject == "7"
    assert verifier.revocations.replace([Revocation(kind, value, float(now))])
    with pytest.raises(Unauthorized) as refused:
        await verifier.principal(old)
    assert refused.value.slug == "token-revoked"
    assert (await verifier.principal(new)).subject == "7"
    if kind != "all":
        assert (await verifier.principal(other)).subject == "8"
    assert verifier.revocations.replace([])
    assert (await verifier.principal(old)).subject == "7"


async def test_a_token_that_lives_longer_than_a_revocation_is_kept_is_refused(verifier, tokens) -> None:
    now = int(time.time())
    for claims in ({"iat": now, "exp": now + 86_401}, {"iat": None}):
        with pytest.raises(Unauthorized) as refused:
            await verifier.principal(tokens.bearer(WHO, **claims)["Authorization"])
        assert refused.value.slug == "token-too-long"


def test_the_latest_moment_counts_and_an_equal_list_is_no_change() -> None:
    known = Revocations()
    found = [Revocation("subject", "7", 20.0), Revocation("subject", "7", 10.0)]
    assert known.replace(found)
    assert not known.replace(found[::-1])
    assert known.hits(names_of({"sub": "7"}), 15)
    assert not known.hits(names_of({"sub": "7"}), 20)
    known.add("subject", "7", 15.0)
    assert known.hits(names_of({"sub": "7"}), 19)
    assert not known.hits((), 0)
