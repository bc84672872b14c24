"""Cosignatures of witnesses over a log's checkpoint (C2SP tlog-cosignature v1, Ed25519, key kind 4).

Promises: a cosignature says "at this second this was the largest consistent checkpoint I knew"; a quorum
counts different public keys, and one wrong signature of a known witness spoils the note. Leaves to others:
whether a checkpoint may be cosigned (`tlog.witness`), the clock (`at` is an argument), and how lines travel.
"""

from collections.abc import Iterable

from tlog import ed25519, note
from tlog.note import BadNote, Key, Sign, Verify

COSIGNATURE = 4
_TIME = 8


def witness_key(private_seed: bytes, name: str) -> Key:
    """The public key under which a witness of this seed cosigns."""
    return Key(note.checked_name(name), ed25519.public_of(private_seed), COSIGNATURE)


def message(text: str, at: int) -> bytes:
    """What is signed: `cosignature/v1`, `time <POSIX seconds>` and the whole text of the checkpoint."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def signer(private_seed: bytes, name: str, at: int) -> tuple[Key, Sign]:
    """The witness's key and what cosigns a checkpoint's text at the POSIX second `at` (0 ≤ at < 2**63)."""
    if not 0 <= at < 1 << 63:
        raise BadNote("the time of a cosignature is out of range")
    key = witness_key(private_seed, name)
    _, sign = ed25519.signer(private_seed, name)

    def cosign(text: bytes) -> bytes:
        return at.to_bytes(_TIME, "big") + sign(message(text.decode(), at))

    return key, cosign


def verifier(key: Key) -> Verify:
    """What checks cosignatures of `key` over a checkpoint's text. BadNote unless it is a witness's key."""
    if key.kind != COSIGNATURE:
        raise BadNote(f"{key.name} is no key of a witness")
    verify = ed25519.raw_verifier(key.public)

    def check(text: bytes, signature: bytes) -> bool:
        at = int.from_bytes(signature[:_TIME], "big")
        return at < 1 << 63 and verify(message(text.decode(), at), signature[_TIME:])

    return check


def cosign(signed: str, private_seed: bytes, name: str, at: int) -> str:
    """The signature line, with its line feed, that a witness answers for a signed checkpoint.

    The checkpoint's own signature is not looked at here: `witness.decide` does that first.
    """
    text, _ = note.split(signed)
    note.parse_checkpoint(text)
    return note.sign(text, [signer(private_seed, name, at)]).removeprefix(f"{text}\n")


def attach(signed: str, lines: str, witness_keys: Iterable[Key]) -> str:
    """The note with those of the answered lines that known witnesses made; each witness once.

    Lines of unknown keys are dropped. BadNote if a line is malformed or a known witness's signature is wrong.
    """
    text, present = note.split(signed)
    _, answered = note.split(f"{text}\n{lines}")
    known = {(key.name, key.id): verifier(key) for key in witness_keys}
    have = {(name, key_id) for name, key_id, _ in present}
    added = []
    for name, key_id, signature in answered:
        verify = known.get((name, key_id))
        if verify is None or (name, key_id) in have:
            continue
        if not verify(text.encode(), signature):
            raise BadNote(f"the cosignature of {name} is wrong")
        have.add((name, key_id))
        added.append(note.signature_line(name, key_id, signature))
    return signed + "".join(added)


def cosigned_at(signed: str, witness_keys: Iterable[Key]) -> dict[str, int]:
    """Which of the witnesses cosigned, and at which POSIX second. BadNote if one of them signed wrongly."""
    text, signatures = note.split(signed)
    known = {(key.name, key.id): key for key in witness_keys}
    times: dict[str, int] = {}
    counted: set[bytes] = set()
    for name, key_id, signature in signatures:
        key = known.get((name, key_id))
        if key is None:
            continue
        if not verifier(key)(text.encode(), signature):
            raise BadNote(f"the cosignature of {name} is wrong")
        if key.public not in counted:
            counted.add(key.public)
            times[name] = int.from_bytes(signature[:_TIME], "big")
    return times


def quorum(signed: str, log_key: Key, witness_keys: Iterable[Key], needed: int) -> list[str]:
    """The names of the witnesses that cosigned, in the order of the note.

    BadNote if the log did not sign, a known signature is wrong, or fewer than `needed` keys cosigned.
    """
    note.open_note(signed, [(log_key, ed25519.verifier(log_key))])
    names = list(cosigned_at(signed, witness_keys))
    if len(names) < needed:
        raise BadNote(f"{len(names)} known witnesses cosigned the checkpoint, {needed} are needed")
    return names
