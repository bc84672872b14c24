"""Signed notes and checkpoints, with real Ed25519 signatures."""

from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from tlog import note
from tlog.merkle import EMPTY_ROOT

# The example of Go's golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNX"
    "gKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = note.Key("log.example/jianzhen", SECRET.public_key().public_bytes_raw())


def verifier(key: note.Key) -> Callable[[bytes, bytes], bool]:
    def verify(message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def test_the_published_example_verifies() -> None:
    key = note.parse_key(PETER)
    assert (key.name, key.id.hex(), key.text) == ("PeterNeumann", "c74f20a3", PETER)
    text, names = note.open_note(PETERS_NOTE, [(key, verifier(key))])
    assert text == PETERS_NOTE.split("\n\n")[0] + "\n"
    assert names == ["PeterNeumann"]


def test_a_changed_text_or_an_unknown_signer_is_refused() -> None:
    key = note.parse_key(PETER)
    with pytest.raises(note.BadNote, match="is wrong"):
        note.open_note(PETERS_NOTE.replace("answer", "Answer"), [(key, verifier(key))])
    with pytest.raises(note.BadNote, match="no known key"):
        note.open_note(PETERS_NOTE, [(KEY, verifier(KEY))])


def test_a_checkpoint_is_signed_and_read_back() -> None:
    checkpoint = note.Checkpoint("log.example/jianzhen", 20_852_163, EMPTY_ROOT, ("extension",))
    signed = note.sign(checkpoint.text, [(KEY, SECRET.sign)])
    text, _ = note.open_note(signed, [(KEY, verifier(KEY))])
    assert note.parse_checkpoint(text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        "origin\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n١\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n",
        "origin\n1\nAAAA\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ],
)
def test_what_is_not_written_as_a_checkpoint_is_none(text: str) -> None:
    with pytest.raises(note.BadNote):
        note.parse_checkpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\nno dash\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name %%%%%%%%\n",
        "text\n\n— name AAAAAAB=\n",
        "a\tb\n\n— n AAAAAAAA\n",
    ],
)
def test_what_is_not_written_as_a_signed_note_is_none(text: str) -> None:
    with pytest.raises(note.BadNote):
        note.split(text)


@pytest.mark.parametrize("text", ["", "name", "name+00000000+ARpc", "na me+c74f20a3+ARpc", "n+c74f20a3+%"])
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(note.BadNote):
        note.parse_key(text)


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (note.split, note.parse_checkpoint, note.parse_key):
        try:
            parse(text)
        except note.BadNote:
            continue
