"""The rules of a witness (C2SP tlog-witness): what `add-checkpoint` asks, and when it may be cosigned.

Promises: never a smaller size, never another root of the same size, never a tree that does not contain the
one known. Leaves to others: the clock, the key, HTTP; and that the state `decide` returns is made durable
*before* the cosignature is answered, and that nothing decides in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tlog import ed25519, note
from tlog.merkle import EMPTY_ROOT, verify_consistency
from tlog.note import BadNote, Checkpoint, Key

MOST_STEPS = 63
MOST_BYTES = 64 * 1024
SIZE_TYPE, TEXT_TYPE = "text/x.tlog.size", "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest checkpoint a witness cosigned for a log; of a log never seen: size 0."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks: the size it believes the witness knows, a proof from there, the signed checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str


class Refused(ValueError):
    """The witness does not cosign; `status`, `media_type` and `body` are its answer over HTTP."""

    def __init__(self, status: int, reason: str, known: Seen | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.media_type = TEXT_TYPE if known is None else SIZE_TYPE
        self.body = f"{reason}\n" if known is None else f"{known.size}\n"


def format_request(request: Request) -> bytes:
    """The body to post to `<submission prefix>/add-checkpoint`."""
    lines = [f"old {request.old}", *map(note.encode_base64, request.proof), ""]
    return ("".join(f"{line}\n" for line in lines) + request.checkpoint).encode()


def parse_request(body: bytes) -> Request:
    """What a body asks. Refused with 400 unless it is written in the one right way and of bounded size."""
    try:
        if len(body) > MOST_BYTES:
            raise BadNote("the request is too long")
        head, blank, checkpoint = body.decode().partition("\n\n")
        first, *steps = head.split("\n")
        word, space, size = first.partition(" ")
        if not blank or word != "old" or not space or len(steps) > MOST_STEPS:
            raise BadNote("a request is an old size, at most 63 proof lines, an empty line and a checkpoint")
        request = Request(note.parse_size(size), tuple(map(note.decode_hash, steps)), checkpoint)
        note.parse_checkpoint(note.split(checkpoint)[0])
    except (BadNote, UnicodeDecodeError) as wrong:
        raise Refused(400, f"malformed: {wrong}") from wrong
    return request


def origin_of(request: Request) -> str:
    """The log the request speaks for: the key of the state that `decide` needs."""
    return request.checkpoint.partition("\n")[0]


def decide(known: Seen, request: Request, log_keys: Iterable[Key]) -> tuple[Seen, Checkpoint]:
    """The state to persist and the checkpoint that may then be cosigned.

    `log_keys` are all keys the witness trusts; a log's origin is its key's name. Refused with the status of
    the specification: 404 unknown log, 403 no trusted signature, 400 the old size exceeds the new, 409 a size
    or root other than the known one, 422 wrong proof.
    """
    text, _ = note.split(request.checkpoint)
    checkpoint = note.parse_checkpoint(text)
    trusted = [key for key in log_keys if key.name == checkpoint.origin]
    if not trusted:
        raise Refused(404, "unknown log")
    try:
        note.open_note(request.checkpoint, [(key, ed25519.verifier(key)) for key in trusted])
    except BadNote as wrong:
        raise Refused(403, f"not signed by this log: {wrong}") from wrong
    if request.old > checkpoint.size:
        raise Refused(400, "the old size exceeds the new one")
    if request.old != known.size:
        raise Refused(409, f"the witness knows size {known.size}, not {request.old}", known)
    if checkpoint.size == known.size and checkpoint.root != known.root:
        raise Refused(409, f"another root of size {known.size} is known: the log is forked", known)
    if not verify_consistency(known.size, checkpoint.size, known.root, checkpoint.root, request.proof):
        raise Refused(422, f"size {checkpoint.size} is not proved to extend size {known.size}")
    return Seen(checkpoint.size, checkpoint.root), checkpoint
