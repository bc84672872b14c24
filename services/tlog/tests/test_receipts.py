"""Receipts: what is written is read back, every changed byte is found, no hostile text breaks the parser."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog import cosignature, ed25519, merkle, note, receipts
from tlog.receipts import BadReceipt, Receipt

LOG, SIGN = ed25519.signer(bytes([1] * 32), "log.example/jianzhen")
SEEDS = {f"w{number}.example": bytes([number] * 32) for number in (2, 3, 4)}
WITNESSES = [cosignature.witness_key(seed, name) for name, seed in SEEDS.items()]
RAW = b"##0101QN=20260102030405000;ST=31;CN=2011;..."
SUBMISSION = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
RECEIVED = datetime(2026, 1, 2, 11, 4, 5, 678, tzinfo=timezone(timedelta(hours=8)))


def made(index: int = 5, size: int = 9) -> Receipt:
    record = receipts.record_of(SUBMISSION, receipts.hashlib.sha256(RAW).digest(), RECEIVED)
    nonce = bytes(range(16))
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(size)]
    leaves[index] = merkle.leaf_hash(receipts.entry_of(nonce, record.bytes))
    tree = merkle.Tree(leaves)
    checkpoint = note.Checkpoint(LOG.name, size, merkle.root(size, tree.read))
    signed = note.sign(checkpoint.text, [(LOG, SIGN)])
    for name, seed in list(SEEDS.items())[:2]:
        signed += cosignature.cosign(signed, seed, name, 1_800_000_000)
    proof = tuple(merkle.inclusion_proof(index, size, tree.read))
    return Receipt(LOG.name, record, nonce, index, signed, proof)


RECEIPT = made()
LATER = replace(RECEIPT.record, received_at="2026-01-02T03:04:05.000679Z")


def check(receipt: Receipt, raw: bytes | None = RAW, quorum: int = 2) -> list[str]:
    return receipts.verify_receipt(receipt, LOG, WITNESSES, quorum, raw)[1]


def test_a_record_is_canonical_for_ever() -> None:
    assert RECEIPT.record.bytes == (
        b'{"received_at":"2026-01-02T03:04:05.000678Z",'
        b'"sha256":"' + receipts.hashlib.sha256(RAW).hexdigest().encode() + b'",'
        b'"submission":"01890a5d-ac96-774b-bcce-b302099a8057"}'
    )
    assert RECEIPT.entry == receipts.hashlib.sha256(bytes(range(16)) + RECEIPT.record.bytes).digest()


def test_a_receipt_verifies_and_is_read_back() -> None:
    assert check(RECEIPT) == ["w2.example", "w3.example"]
    assert check(RECEIPT, None, 0) == ["w2.example", "w3.example"]
    assert Receipt.from_json(RECEIPT.to_json()) == RECEIPT
    assert Receipt.from_json(RECEIPT.to_json().encode()) == RECEIPT


@pytest.mark.parametrize(
    ("receipt", "raw", "quorum", "reason"),
    [
        (RECEIPT, RAW + b"\n", 2, "raw"),
        (RECEIPT, RAW, 3, "quorum"),
        (replace(RECEIPT, log="other.example"), RAW, 2, "log"),
        (replace(RECEIPT, index=4), RAW, 2, "proof"),
        (replace(RECEIPT, nonce=bytes(16)), RAW, 2, "proof"),
        (replace(RECEIPT, proof=RECEIPT.proof[:-1]), RAW, 2, "proof"),
        (replace(RECEIPT, record=LATER), None, 2, "proof"),
        (replace(RECEIPT, checkpoint=RECEIPT.checkpoint.replace("\n9\n", "\n8\n")), RAW, 2, "checkpoint"),
        (replace(RECEIPT, checkpoint="no note"), RAW, 2, "checkpoint"),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_named(receipt: Receipt, raw: bytes | None, quorum: int, reason: str) -> None:
    with pytest.raises(BadReceipt) as refused:
        check(receipt, raw, quorum)
    assert refused.value.reason == reason


TEXT = RECEIPT.to_json().encode()


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_receipt_goes_unnoticed(at: int, mask: int) -> None:
    changed = TEXT[:at] + bytes([TEXT[at] ^ mask]) + TEXT[at + 1 :]
    try:
        same = Receipt.from_json(changed)
        check(same, None)
    except BadReceipt:
        return
    # Only a change that JSON ignores, as another kind of blank, or of a line nobody here knows, may pass.
    assert replace(same, checkpoint=RECEIPT.checkpoint) == RECEIPT
    assert same == RECEIPT or cosignature.quorum(same.checkpoint, LOG, WITNESSES, 2)


@given(
    st.one_of(
        st.text(st.characters(codec=None)),
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*receipts._MEMBERS]), inner),
        ).map(json.dumps),
    )
)
def test_hostile_text_is_only_ever_a_bad_receipt(text: str | bytes) -> None:
    with pytest.raises(BadReceipt):
        Receipt.from_json(text)


@given(
    st.dictionaries(st.sampled_from([*receipts._MEMBERS]), st.text(st.characters(codec=None)) | st.integers())
)
def test_a_hostile_member_is_only_ever_a_bad_receipt(changed: dict[str, str | int]) -> None:
    members = {**json.loads(TEXT), **changed}
    try:
        check(Receipt.from_json(json.dumps(members)), None)
    except BadReceipt:
        return
    assert members == json.loads(TEXT)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 30_000,
        "9" * 10_000,
        "x" * 70_000,
        TEXT.decode().replace('"proof": [', '"proof": {}, "proof": [', 1),
        json.dumps({**json.loads(TEXT), "proof": {}}),
        json.dumps({**json.loads(TEXT), "index": True}),
        json.dumps({**json.loads(TEXT), "index": -1}),
        json.dumps({**json.loads(TEXT), "index": 1 << 63}),
        json.dumps({**json.loads(TEXT), "nonce": "AAAA"}),
        json.dumps({**json.loads(TEXT), "received_at": "2026-02-30T00:00:00.000000Z"}),
        json.dumps({**json.loads(TEXT), "received_at": "2026-01-02T03:04:05.000678+00:00"}),
        json.dumps({**json.loads(TEXT), "sha256": "A" * 64}),
        json.dumps({**json.loads(TEXT), "proof": ["AAAA"]}),
        json.dumps({**json.loads(TEXT), "more": 1}),
        json.dumps({**json.loads(TEXT), "format": "jianzhen-receipt/2"}),
    ],
)
def test_what_is_not_written_in_the_one_right_way_is_no_receipt(text: str) -> None:
    with pytest.raises(BadReceipt) as refused:
        Receipt.from_json(text)
    assert refused.value.reason == "form"


def test_an_instant_without_zone_and_a_short_nonce_are_refused() -> None:
    with pytest.raises(BadReceipt, match="no zone"):
        receipts.record_of(SUBMISSION, bytes(32), datetime(2026, 1, 2))
    with pytest.raises(BadReceipt, match="16 bytes"):
        receipts.entry_of(b"short", b"record")
    assert receipts.record_of(SUBMISSION, bytes(32), datetime(2026, 1, 2, tzinfo=UTC)).sha256 == "0" * 64
