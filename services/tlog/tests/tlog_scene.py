"""A log of nine entries in memory, its keys, three witnesses, and an evidence bundle of three submissions."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from tlog import bundle, cosignature, merkle, note, receipts, tiles
from tlog.receipts import Receipt
from tlog.trust import Secret, Trust

LOG = Secret("log.example/jianzhen", bytes([1] * 32), note.ED25519)
WITNESSES = [Secret(f"w{n}.example", bytes([n] * 32), cosignature.COSIGNATURE) for n in (2, 3, 4)]
TRUST = Trust(LOG.key, tuple(one.key for one in WITNESSES), 2)
RECEIVED = datetime(2026, 11, 21, 1, 2, 3, 4, tzinfo=UTC)
RAWS = {str(UUID(int=number)): b"##0101QN=%d" % number for number in (1, 2, 3)}


def nonce(number: int) -> bytes:
    return hashlib.sha256(b"nonce %d" % number).digest()[:16]


def record(number: int) -> receipts.Record:
    raw = RAWS.get(str(UUID(int=number)), b"other")
    return receipts.record_of(UUID(int=number), hashlib.sha256(raw).digest(), RECEIVED)


ENTRIES = [receipts.entry_of(nonce(number), record(number).bytes) for number in range(9)]
TREE = merkle.Tree(map(merkle.leaf_hash, ENTRIES))
FORK = merkle.Tree(map(merkle.leaf_hash, [*ENTRIES[:4], *ENTRIES[5:], ENTRIES[4]]))


def signed(size: int, tree: merkle.Tree = TREE, witnesses: int = 2, secret: Secret = LOG) -> str:
    """A checkpoint, cosigned by the first witnesses."""
    text = note.Checkpoint(secret.name, size, merkle.root(size, tree.read)).text
    key, sign = receipts.cosignature.ed25519.signer(secret.seed, secret.name)
    made = note.sign(text, [(key, sign)])
    for one in WITNESSES[:witnesses]:
        made += cosignature.cosign(made, one.seed, one.name, 1_800_000_000)
    return made


def receipt(number: int) -> Receipt:
    proof = tuple(merkle.inclusion_proof(number, 9, TREE.read))
    return Receipt(LOG.name, record(number), nonce(number), number, signed(9), proof)


def folder(at: Path) -> Path:
    """The log's files in a folder."""
    files = {tile.path: tiles.encode(tile, TREE.read) for tile in tiles.added(0, 9)}
    files |= {"tile/entries/000.p/9": tiles.encode_entries(ENTRIES), "checkpoint": signed(9).encode()}
    for path, data in files.items():
        (at / path).parent.mkdir(parents=True, exist_ok=True)
        (at / path).write_bytes(data)
    return at


def members() -> dict[str, bytes]:
    """The members of a sound bundle, the manifest last."""
    rows = [
        {"submission": one, "sha256": record(n).sha256, "received_at": record(n).received_at}
        for n, one in enumerate(RAWS, 1)
    ]
    made = {
        bundle.TRUST: TRUST.text.encode(),
        bundle.SUBMISSIONS: "".join(json.dumps(row) + "\n" for row in rows).encode(),
        bundle.REGISTRY: b"{}",
        bundle.OBSERVATIONS: f"series,ts,value,submission,row\n7,T1,35,{next(iter(RAWS))},0\n".encode(),
        bundle.REVISIONS: b"series,ts,first_value,later_value,submission,row\n",
        bundle.CODES: b"series,ts,code\n7,T1,N\n",
        **{name: b"read me" for name in bundle.README.values()},
    }
    for number, (one, raw) in enumerate(RAWS.items(), 1):
        made |= {bundle.raw_name(one): raw, bundle.receipt_name(one): receipt(number).to_json().encode()}
    return sealed(made)


def sealed(made: dict[str, bytes]) -> dict[str, bytes]:
    """With the manifest that fits them."""
    manifest = bundle.Manifest(device="MN1")
    rest = {name: data for name, data in made.items() if name != bundle.MANIFEST}
    for name, data in rest.items():
        manifest.add(name, data)
    return rest | {bundle.MANIFEST: manifest.text.encode()}


def archived(made: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in made.items():
            archive.writestr(name, data)
    return packed.getvalue()
