"""Trust files and secret keys: read back as written, and refused when they are not right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog import cosignature, ed25519, note
from tlog.note import BadNote
from tlog.trust import Secret, Trust, parse_secret, parse_trust

LOG = ed25519.signer(bytes([1] * 32), "log.example/jianzhen")[0]
W1, W2 = (cosignature.witness_key(bytes([n] * 32), f"w{n}.example") for n in (2, 3))
TRUST = Trust(LOG, (W1, W2), 1)
# The signer's key of the example of Go's golang.org/x/mod/sumdb/note, whose public half is in test_note.
PETER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_trust_file_is_read_back() -> None:
    assert parse_trust(TRUST.text) == TRUST
    assert parse_trust("# comment\n\n" + TRUST.text.replace("\n", "\r\n")) == TRUST


@pytest.mark.parametrize(
    "text",
    [
        "",
        TRUST.text + "quorum 1\n",
        TRUST.text.replace("quorum 1", "quorum 3"),
        TRUST.text.replace("quorum 1", "quorum -1"),
        TRUST.text.replace("quorum 1\n", ""),
        TRUST.text + f"log {LOG.text}\n",
        TRUST.text + f"witness {W1.text}\n",
        f"log {W1.text}\nquorum 0\n",
        f"log {LOG.text}\nwitness {LOG.text}\nquorum 0\n",
        f"log {note.Key('n', b'short').text}\nquorum 0\n",
        TRUST.text + "hello\n",
        "#" * 70_000,
    ],
)
def test_a_trust_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        parse_trust(text)


def test_a_secret_key_is_written_as_go_writes_it() -> None:
    secret = parse_secret(PETER + "\n")
    assert (secret.text, secret.key.text) == (PETER, PUBLIC)
    witness = Secret("w.example", bytes(32), 4)
    assert parse_secret(witness.text) == witness
    assert witness.key == cosignature.witness_key(bytes(32), "w.example")


@given(st.one_of(st.text(), st.integers(0, len(PETER) - 1)))
def test_a_text_that_is_no_secret_key_is_refused_without_quoting_it(given_: str | int) -> None:
    text = given_ if isinstance(given_, str) else PETER[:given_] + "~" + PETER[given_ + 1 :]
    with pytest.raises(BadNote) as refused:
        parse_secret(text)
    assert "AYEKFALV" not in str(refused.value)
