"""Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint).

Promises: parses only what is written in the one right way; signatures by unknown keys are ignored, a wrong
one by a known key is an error. Leaves to others: the algorithm: `Verify(message, signature)` and
`Sign(message)` are callables, so that no cryptographic library is needed here.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Verify = Callable[[bytes, bytes], bool]
Sign = Callable[[bytes], bytes]
ED25519 = 1
MOST = 1 << 63
_DASH = "— "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
# Control characters, and halves of surrogate pairs, which JSON can smuggle in and UTF-8 cannot hold.
_FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")


class BadNote(ValueError):
    """The text is no signed note, or a signature by a known key is wrong."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key under a name; `kind` is the algorithm's first byte (1 = Ed25519)."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """The four bytes that precede a signature: SHA-256(name ‖ LF ‖ kind ‖ key)[:4]."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(material).digest()[:4]

    @property
    def text(self) -> str:
        """The key as people pass it on: `name+id+base64(kind ‖ key)`."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


def parse_key(text: str) -> Key:
    """The key of a `name+id+base64` text. BadNote if the id does not belong to it."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    data = decode_base64(encoded)
    if not _is_name(name) or len(data) < 2:
        raise BadNote("not a verifier key")
    key = Key(name, data[1:], data[0])
    if key.id.hex() != key_id:
        raise BadNote("the key does not have this id")
    return key


def sign(text: str, signers: Iterable[tuple[Key, Sign]]) -> str:
    """The signed note: the text, which must end in a line feed, a blank line, and a line for each signer."""
    _check_text(text)
    return f"{text}\n" + "".join(
        signature_line(key.name, key.id, make(text.encode())) for key, make in signers
    )


def signature_line(name: str, key_id: bytes, signature: bytes) -> str:
    """A signature as a line of the note: dash, name, base64(key id ‖ signature), line feed."""
    return f"{_DASH}{name} {encode_base64(key_id + signature)}\n"


def split(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text and its signatures as (name, key id, signature), unverified. BadNote if the form is wrong."""
    text, blank, tail = note.rpartition("\n\n")
    text += "\n"
    _check_text(text)
    if not blank or not tail.endswith("\n"):
        raise BadNote("a note ends in a blank line and signature lines")
    signatures = []
    for line in tail[:-1].split("\n"):
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        data = decode_base64(encoded)
        if not line.startswith(_DASH) or not _is_name(name) or len(data) < 5:
            raise BadNote("a signature line is malformed")
        signatures.append((name, data[:4], data[4:]))
    return text, signatures


def open_note(note: str, keys: Iterable[tuple[Key, Verify]]) -> tuple[str, list[str]]:
    """The text and the names of known keys that signed it. BadNote if none did, or one signature is wrong."""
    text, signatures = split(note)
    known = {(key.name, key.id): verify for key, verify in keys}
    names: list[str] = []
    for name, key_id, signature in signatures:
        verify = known.get((name, key_id))
        if verify is None or name in names:
            continue
        if not verify(text.encode(), signature):
            raise BadNote(f"the signature of {name} is wrong")
        names.append(name)
    if not names:
        raise BadNote("no known key signed the note")
    return text, names


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's statement of its size and root; `text` is the body that gets signed."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Origin, size, base64 root and extension lines, each ended by a line feed."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions]
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a note's text. BadNote unless it is written in the one right way."""
    lines = text.split("\n")
    if len(lines) < 4:
        raise BadNote("not a checkpoint")
    checkpoint = Checkpoint(lines[0], parse_size(lines[1]), decode_hash(lines[2]), tuple(lines[3:-1]))
    empty_line = not checkpoint.origin or "" in checkpoint.extensions
    if empty_line or checkpoint.text != text:
        raise BadNote("not a checkpoint")
    return checkpoint


def parse_size(text: str) -> int:
    """A tree's size: decimal, no leading zero, below 2**63. BadNote otherwise."""
    if not _SIZE.fullmatch(text) or int(text) >= MOST:
        raise BadNote("not a size")
    return int(text)


def decode_hash(text: str) -> bytes:
    """The 32 bytes of a hash in base64. BadNote if it is anything else."""
    data = decode_base64(text)
    if len(data) != 32:
        raise BadNote("a hash has 32 bytes")
    return data


def checked_name(name: str) -> str:
    """The name, if a key may have it: not empty, no blank, no `+`, UTF-8. BadNote otherwise."""
    if not _is_name(name):
        raise BadNote("a key's name is not empty and holds no blank and no plus sign")
    return name


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode()


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _FORBIDDEN.search(text):
        raise BadNote("the text must end in a line feed and hold no control characters")


def _is_name(name: str) -> bool:
    forbidden = _FORBIDDEN.search(name) or any(character.isspace() for character in name)
    return bool(name) and "+" not in name and not forbidden


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text. BadNote unless it is written in the one right way."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise BadNote("not base64") from wrong
    if base64.b64encode(data).decode() != text:
        raise BadNote("not canonical base64")
    return data
