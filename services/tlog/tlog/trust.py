"""Which log and which witnesses somebody trusts, and how many of them are enough: a text that people pass on.

Promises: one key a line, as C2SP signed-note writes keys; secret keys in the form of Go's `sumdb/note`, so
that other tools read them. Leaves to others: publishing the text where nobody can exchange it unseen.

    log log.example/jianzhen+4f6e…+AX…
    witness w1.example+9a01…+BK…
    witness w2.example+77c2…+BD…
    quorum 2
"""

from dataclasses import dataclass

from tlog import cosignature, ed25519, note
from tlog.note import BadNote, Key

MOST_BYTES, MOST_WITNESSES = 64 * 1024, 100
_SECRET = "PRIVATE+KEY+"  # noqa: S105 the word every secret key's text begins with


@dataclass(frozen=True, slots=True)
class Trust:
    """A checkpoint counts if `log` signed it and `quorum` of the witnesses cosigned it."""

    log: Key
    witnesses: tuple[Key, ...] = ()
    quorum: int = 0

    @property
    def text(self) -> str:
        """The lines of the file."""
        witnesses = [f"witness {key.text}" for key in self.witnesses]
        return "\n".join([f"log {self.log.text}", *witnesses, f"quorum {self.quorum}", ""])


def parse_trust(text: str) -> Trust:
    """The trust of a file's text; blank lines and `#` lines do not count. BadNote if it is wrong."""
    if len(text) > MOST_BYTES:
        raise BadNote("the trust file is too long")
    logs, witnesses, quorums = list[Key](), list[Key](), list[int]()
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "log":
            logs.append(note.parse_key(rest))
            ed25519.verifier(logs[-1])
        elif word == "witness":
            witnesses.append(note.parse_key(rest))
            cosignature.verifier(witnesses[-1])
        elif word == "quorum":
            quorums.append(note.parse_size(rest))
        elif word and not word.startswith("#"):
            raise BadNote(f"a line begins with log, witness, quorum or #, not with {word[:20]!r}")
    return trusted(logs, witnesses, quorums[0] if len(quorums) == 1 else -1)


def trusted(logs: list[Key], witnesses: list[Key], quorum: int) -> Trust:
    """A trust that can be fulfilled: one log, different witnesses, a quorum among them. BadNote otherwise."""
    if len(logs) != 1:
        raise BadNote("exactly one log is trusted")
    if len({key.public for key in witnesses}) < len(witnesses) or len(witnesses) > MOST_WITNESSES:
        raise BadNote("each witness has a key of its own, and there are at most 100")
    if not 0 <= quorum <= len(witnesses):
        raise BadNote(f"exactly one quorum is named, from 0 to the {len(witnesses)} witnesses there are")
    return Trust(logs[0], tuple(witnesses), quorum)


@dataclass(frozen=True, slots=True)
class Secret:
    """A private key under a name; `kind` 1 signs as a log, 4 cosigns as a witness."""

    name: str
    seed: bytes
    kind: int

    @property
    def key(self) -> Key:
        """The public key to pass on."""
        return Key(self.name, ed25519.public_of(self.seed), self.kind)

    @property
    def text(self) -> str:
        """`PRIVATE+KEY+name+id+base64(kind ‖ seed)`, as Go's `sumdb/note` writes it."""
        return (
            f"{_SECRET}{self.name}+{self.key.id.hex()}+{note.encode_base64(bytes([self.kind]) + self.seed)}"
        )


def parse_secret(text: str) -> Secret:
    """The secret key of a file's text. BadNote, which never quotes it, if it is none."""
    name, _, rest = text.strip().removeprefix(_SECRET).partition("+")
    key_id, _, encoded = rest.partition("+")
    data = note.decode_base64(encoded)
    if not text.startswith(_SECRET) or len(data) != 1 + ed25519.SEED_SIZE:
        raise BadNote("not a secret key")
    secret = Secret(note.checked_name(name), data[1:], data[0])
    if secret.kind not in (note.ED25519, cosignature.COSIGNATURE) or secret.key.id.hex() != key_id:
        raise BadNote("not a secret key: its id or its kind is wrong")
    return secret
