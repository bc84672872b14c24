"""Nkeys as nats-server writes and checks them."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from kit import nkeys

# A pair of the tests of github.com/nats-io/nkeys.py.
SEED = "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU"
KEY = "UCK5N7N66OBOINFXAYC2ACJQYFSOD4VYNU6APEJTAVFZB2SVHLKGEW7L"


def test_a_seed_of_another_implementation_has_the_public_key_it_says() -> None:
    assert nkeys.public(SEED) == KEY


def test_a_signature_is_the_keys() -> None:
    seed = nkeys.new_seed()
    raw = base64.b32decode(nkeys.public(seed))[1:33]
    Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(nkeys.signed(seed, "nonce")), b"nonce")


@given(st.text(max_size=80) | st.integers(0, 57).map(lambda at: SEED[:at] + "7" + SEED[at + 1 :]))
def test_what_is_no_seed_is_refused_in_words_that_do_not_repeat_it(told: str) -> None:
    if told == SEED:
        return
    with pytest.raises(ValueError, match="no seed of a user") as refused:
        nkeys.public(told)
    assert not told or told not in str(refused.value) or len(told) < 5
