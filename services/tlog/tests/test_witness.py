"""Cosignatures and the rules of a witness: what is cosigned, and what is refused with which status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog import cosignature, ed25519, merkle, note, witness
from tlog.note import BadNote
from tlog.witness import Refused, Request, Seen

SEED, NAME = bytes([7] * 32), "log.example/jianzhen"
LOG, SIGN = ed25519.signer(SEED, NAME)
SEEDS = {f"w{number}.example": bytes([number] * 32) for number in (1, 2, 3)}
KEYS = [cosignature.witness_key(seed, name) for name, seed in SEEDS.items()]
TREE = merkle.Tree(merkle.leaf_hash(bytes([n])) for n in range(40))
FORK = merkle.Tree(merkle.leaf_hash(bytes([n + (n > 10)])) for n in range(40))


def signed(size: int, tree: merkle.Tree = TREE, origin: str = NAME) -> str:
    text = note.Checkpoint(origin, size, merkle.root(size, tree.read)).text
    return note.sign(text, [(LOG, SIGN)])


def asked(old: int, new: int, tree: merkle.Tree = TREE) -> Request:
    return Request(old, tuple(merkle.consistency_proof(old, new, tree.read)), signed(new, tree))


def seen(size: int) -> Seen:
    return Seen(size, merkle.root(size, TREE.read))


def test_a_cosignature_is_made_as_the_specification_writes_it() -> None:
    name, seed = "w1.example", SEEDS["w1.example"]
    checkpoint = signed(20)
    line = cosignature.cosign(checkpoint, seed, name, 1_679_315_147)
    text, [(_, key_id, signature)] = note.split(f"{note.split(checkpoint)[0]}\n{line}")
    assert key_id == KEYS[0].id and signature[:8].hex() == "00000000641850cb" and len(signature) == 72
    plain = ed25519.raw_verifier(KEYS[0].public)
    assert plain(b"cosignature/v1\ntime 1679315147\n" + text.encode(), signature[8:])
    assert KEYS[0].text.split("+", 2)[2].startswith("B")  # the first byte of the key is 4
    assert cosignature.cosigned_at(checkpoint + line, KEYS) == {name: 1_679_315_147}


def test_a_quorum_counts_known_keys_once() -> None:
    checkpoint = signed(20)
    lines = [cosignature.cosign(checkpoint, seed, name, 5) for name, seed in SEEDS.items()]
    stranger = cosignature.cosign(checkpoint, bytes(32), "w1.example", 5)
    twin = cosignature.cosign(checkpoint, SEEDS["w1.example"], "twin.example", 5)
    keys = [*KEYS, cosignature.witness_key(SEEDS["w1.example"], "twin.example")]
    assert cosignature.quorum(checkpoint + lines[0] + lines[1], LOG, KEYS, 2) == ["w1.example", "w2.example"]
    for lacking in ([], [lines[0]], [lines[0], lines[0]], [lines[0], stranger], [lines[0], twin]):
        with pytest.raises(BadNote, match="are needed"):
            cosignature.quorum(checkpoint + "".join(lacking), LOG, keys, 2)
    with pytest.raises(BadNote, match="no known key"):
        cosignature.quorum(checkpoint + lines[0], ed25519.signer(bytes(32), NAME)[0], KEYS, 1)
    wrong = cosignature.cosign(signed(21), SEEDS["w1.example"], "w1.example", 5)
    with pytest.raises(BadNote, match="is wrong"):
        cosignature.quorum(checkpoint + wrong + lines[1] + lines[2], LOG, KEYS, 2)


def test_answers_of_witnesses_are_attached_once_and_only_if_right() -> None:
    checkpoint = signed(20)
    first, second = (
        cosignature.cosign(checkpoint, SEEDS[f"w{n}.example"], f"w{n}.example", 5) for n in (1, 2)
    )
    stranger = cosignature.cosign(checkpoint, bytes(32), "stranger", 5)
    whole = cosignature.attach(checkpoint, first + stranger, KEYS)
    assert whole == checkpoint + first
    assert cosignature.attach(whole, first + second, KEYS) == checkpoint + first + second
    for wrong in (
        cosignature.cosign(signed(21), SEEDS["w1.example"], "w1.example", 5),
        "",
        "hello\n",
        first[:-1],
    ):
        with pytest.raises(BadNote):
            cosignature.attach(checkpoint, wrong, KEYS)


def test_keys_are_used_for_what_they_are_for() -> None:
    for make, key in ((ed25519.verifier, KEYS[0]), (cosignature.verifier, LOG)):
        with pytest.raises(BadNote, match="no key of"):
            make(key)
    for call in (lambda: ed25519.signer(b"short", "n"), lambda: ed25519.raw_verifier(b"short")):
        with pytest.raises(BadNote, match="32 bytes"):
            call()
    for name in ("", "a b", "a+b", "a\ud800"):
        with pytest.raises(BadNote, match="name"):
            ed25519.signer(bytes(32), name)
    with pytest.raises(BadNote, match="out of range"):
        cosignature.signer(bytes(32), "n", 1 << 63)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_tree_that_grows_is_cosigned(old: int, new: int) -> None:
    old, new = sorted((old, new))
    request = witness.parse_request(witness.format_request(asked(old, new)))
    assert request == asked(old, new)
    assert witness.origin_of(request) == NAME
    state, checkpoint = witness.decide(seen(old), request, [LOG])
    assert (
        (state.size, state.root) == (checkpoint.size, checkpoint.root) == (new, merkle.root(new, TREE.read))
    )


@pytest.mark.parametrize(
    ("known", "request_", "status", "body"),
    [
        (seen(20), asked(10, 15), 409, "20\n"),
        (seen(20), asked(0, 30), 409, "20\n"),
        (seen(20), asked(20, 20, FORK), 409, "20\n"),
        (seen(20), Request(20, (), signed(15)), 400, None),
        (seen(20), asked(20, 30, FORK), 422, None),
        (seen(20), Request(20, (), signed(30)), 422, None),
        (seen(20), Request(20, (bytes(32),), signed(20)), 422, None),
        (seen(0), Request(0, (bytes(32),), signed(20)), 422, None),
        (seen(20), Request(20, (), signed(20, origin="other.example")), 404, None),
        (seen(20), Request(20, (), signed(20).replace(LOG.id.hex(), "")[:-9] + "AAAAAAAA\n"), 403, None),
        (seen(20), Request(20, (), signed(20).replace("— log", "— cog")), 403, None),
    ],
)  # fmt: skip
def test_what_is_refused_has_the_status_of_the_specification(
    known: Seen, request_: Request, status: int, body: str | None
) -> None:
    with pytest.raises(Refused) as refused:
        witness.decide(known, request_, [LOG])
    assert refused.value.status == status
    if body:
        assert (refused.value.body, refused.value.media_type) == (body, "text/x.tlog.size")


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.sampled_from([TREE, FORK]))
def test_no_sequence_of_requests_makes_a_witness_contradict_itself(
    a: int, b: int, c: int, tree: merkle.Tree
) -> None:
    state = Seen()
    for old, new, source in ((0, a, TREE), (a, b, tree), (b, c, TREE), (a, c, tree)):
        before = state
        try:
            state, _ = witness.decide(state, asked(*sorted((old, new)), tree=source), [LOG])
        except Refused:
            continue
        assert state.size >= before.size
        assert before.size < state.size or before == state
    trees = [t for t in (TREE, FORK) if state.root == merkle.root(state.size, t.read)]
    assert trees


GOOD = witness.format_request(asked(20, 30))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old\n\n" + signed(3).encode(),
        b"old 01\n\n" + signed(3).encode(),
        b"old -1\n\n" + signed(3).encode(),
        b"old " + b"9" * 5000 + b"\n\n" + signed(3).encode(),
        b"new 1\n\n" + signed(3).encode(),
        b"old 1\n" + b"A" * 44 + b"\n\n" + signed(3).encode(),
        b"old 1\n" + (note.encode_base64(bytes(32)).encode() + b"\n") * 64 + b"\n" + signed(3).encode(),
        b"old 1\n\nno checkpoint\n",
        b"old 1\n\n\xff\xfe",
        GOOD[:-1],
        GOOD + b"x" * 65_536,
    ],
)
def test_a_malformed_request_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        witness.parse_request(body)
    assert refused.value.status == 400


@given(st.one_of(st.binary(), st.tuples(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))))
def test_a_hostile_request_is_only_ever_refused(hostile: bytes | tuple[int, bytes]) -> None:
    if isinstance(hostile, tuple):
        at, put = hostile
        hostile = GOOD[:at] + put + GOOD[at + 1 :]
    try:
        request = witness.parse_request(hostile)
        state, _ = witness.decide(seen(20), request, [LOG])
    except Refused:
        return
    assert state == seen(30)
