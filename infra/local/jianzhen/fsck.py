"""`jianzhen log fsck`: every file of the log hashed again, and every submission compared with its leaf.

Promises: names what was changed: an entry or tile of the log, a row of a database, the raw bytes. Reads only:
the log's files from a folder or over HTTP, the lists an auditor may read. Leaves the hashing to `tlog.fsck`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from tlog import note, receipts, tiles
from tlog.fsck import Fault, check
from tlog.note import BadNote, Checkpoint
from tlog.receipts import BadReceipt
from tlog.tiles import HASH_SIZE, HEIGHT, WIDTH, Tile
from tlog.trust import Trust, parse_trust, trusted

from jianzhen.platform import Platform
from jianzhen.screen import console
from jianzhen.state import Refused

TEXTS = {
    "missing": ("日志文件缺失", "a file of the log is missing"),
    "malformed": ("日志文件长度或结构不符", "a file of the log has another length or structure"),
    "entry": ("日志条目已被改动", "an entry of the log was changed"),
    "tile": ("日志数据块已被改动", "a tile of the log was changed"),
    "outgrown": ("旧的窄数据块与其后续内容不符", "a narrow tile is not the beginning of what it grew into"),
    "subtree": ("数据块与其条目一同被改动", "a tile was changed together with what is below it"),
    "root": ("日志文件与已签名检查点不符", "the log's files as a whole are not what the checkpoint signs"),
    "checkpoint": ("检查点签名无效或联署不足", "the checkpoint's signatures do not hold"),
    "log-row": (
        "存证数据库的行与日志文件不符",
        "the row of evidence's database is not what the log's files hold",
    ),
    "row": ("报送记录(数据库行)已被改动", "the submission's row was changed: it no longer gives its leaf"),
    "raw": ("原始报文已被改动", "the raw bytes were changed: their SHA-256 is not the recorded one"),
    "raw-missing": ("原始报文缺失或无法解压", "the raw bytes are gone or cannot be unpacked"),
    "deleted": ("日志中有条目,但报送记录已不存在", "the log holds the leaf of a submission that is gone"),
    "no-leaf": ("报送未入日志", "the submission has no leaf in the log"),
    "disagree": (
        "报送记录与日志条目不符",
        "the submission and its leaf disagree; the log itself does not hold",
    ),
}
# Then entries may be forged although no tile contradicts them.
UNSOUND = ("subtree", "root", "missing", "malformed")


@dataclass(frozen=True)
class Wrong:
    """One thing found: a kind of TEXTS and where."""

    kind: str
    where: str
    leaf: int | None = None
    byte: int | None = None

    @property
    def shown(self) -> dict[str, Any]:
        zh, en = TEXTS[self.kind]
        place = {"where": self.where, "leaf": self.leaf, "byte": self.byte}
        return {"kind": self.kind, **place, "zh": zh, "en": en}

    @property
    def line(self) -> str:
        zh, en = TEXTS[self.kind]
        place = "".join(
            f", {name} {value}"
            for name, value in (("leaf", self.leaf), ("byte", self.byte))
            if value is not None
        )
        return f"{self.where}{place}: {zh} · {en}"


class Files:
    """The log's files: a folder, or the address that ends in `/log`."""

    def __init__(self, place: str) -> None:
        self.place = place.rstrip("/")
        self._client = httpx.Client(timeout=30, trust_env=False) if "://" in place else None
        if self._client is None and not Path(place).is_dir():
            raise Refused(f"{place} is neither a folder nor an address")

    def get(self, path: str) -> bytes | None:
        """A file by its path within the log; None if there is none."""
        if self._client is None:
            file = Path(self.place) / path
            return file.read_bytes() if file.is_file() else None
        try:
            answer = self._client.get(f"{self.place}/{path}")
        except httpx.HTTPError as error:
            raise Refused(f"the log does not answer at {self.place} ({error})", 3) from None
        if answer.status_code not in (200, 404):
            raise Refused(f"{self.place}/{path}: {answer.status_code}", 3 if answer.is_server_error else 2)
        return answer.content if answer.status_code == 200 else None

    def narrow(self) -> list[Tile]:
        """All tiles and bundles that were kept narrower than 256; over HTTP nobody can list them."""
        if self._client is not None:
            return []
        root = Path(self.place)
        found = []
        for file in sorted(root.glob("tile/**/*.p/*")):
            with suppress(ValueError):
                found.append(tiles.parse_path(file.relative_to(root).as_posix()))
        return found

    def trust(self) -> Trust | None:
        """Whom the log says to believe (`keys`, or `trust.txt` in a folder); None if it does not say."""
        for name, read in (("keys", trust_of_keys), ("trust.txt", _trust_of_text)):
            found = self.get(name)
            if found is not None:
                try:
                    return read(found)
                except (ValueError, KeyError, TypeError) as wrong:
                    raise Refused(f"{self.place}/{name} does not say whom to trust: {wrong}") from None
        return None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def trust_of_keys(body: bytes) -> Trust:
    """The trust that `GET /log/keys` of the service `evidence` tells."""
    told = httpx.Response(200, content=body).json()
    witnesses = [note.parse_key(one["key"]) for one in told["witnesses"]]
    return trusted([note.parse_key(told["log"]["key"])], witnesses, told["quorum"])


def _trust_of_text(body: bytes) -> Trust:
    return parse_trust(body.decode())


@dataclass
class Inspection:
    """One run: `checkpoint`, `hash_all`, then, if wanted, `compare`. `tell(what, read, of)` hears how far."""

    files: Files
    tell: Callable[[str, int, int], None] = lambda what, read, of: None
    found: list[Wrong] = field(default_factory=list)
    size: int = 0
    entries: dict[bytes, int] = field(default_factory=dict)

    def checkpoint(self, trust: Trust | None) -> Checkpoint:
        """The log's checkpoint. A signature that does not hold is a finding; no checkpoint is Refused."""
        signed = self.files.get("checkpoint")
        if signed is None:
            raise Refused(f"{self.files.place} has no checkpoint: nothing is in this log, or it is no log")
        text = signed.decode(errors="surrogateescape")
        try:
            if trust is not None:
                receipts.vouched(text, trust.log, trust.witnesses, trust.quorum)
        except BadReceipt:
            self.found.append(Wrong("checkpoint", "checkpoint"))
        try:
            return note.parse_checkpoint(note.split(text)[0])
        except BadNote as wrong:
            raise Refused(f"{self.files.place}/checkpoint is no checkpoint: {wrong}") from None

    def hash_all(self, checkpoint: Checkpoint, *, remember: bool = False) -> None:
        """Reads and hashes every tile and entry; remembers the entries for `compare` if asked to."""
        self.size, done = checkpoint.size, 0

        def fetch(path: str) -> bytes | None:
            data = self.files.get(path)
            if remember and data is not None and path.startswith("tile/entries/"):
                self._remember(path, data)
            return data

        def tell(more: int) -> None:
            nonlocal done
            done += more
            self.tell("leaves", done, self.size)

        self.found += [_wrong(fault) for fault in check(self.size, checkpoint.root, fetch, tell)]

        self.found += list(self._outgrown())

    def _outgrown(self) -> Iterator[Wrong]:
        """Narrow tiles of earlier checkpoints: each must be the beginning of what it grew into."""
        for tile in self.files.narrow():
            count = self.size >> max(tile.level, 0) * HEIGHT
            width = min(WIDTH, count - tile.index * WIDTH)
            if tile.width >= width:
                continue
            now = Tile(tile.level, tile.index, width)
            whole = self.files.get(now.path) or self.files.get(Tile(tile.level, tile.index).path)
            old = self.files.get(tile.path)
            if whole is None or old is None:
                continue
            byte = next(
                (at for at, pair in enumerate(zip(old, whole, strict=False)) if pair[0] != pair[1]), None
            )
            unit = HASH_SIZE if tile.level >= 0 else HASH_SIZE + 2
            if byte is not None or len(old) != tile.width * unit:
                leaf = None if byte is None or tile.level > 0 else tile.index * WIDTH + byte // unit
                yield Wrong("outgrown", tile.path, leaf, byte)

    def _remember(self, path: str, data: bytes) -> None:
        try:
            first = tiles.parse_path(path).index * WIDTH
            self.entries |= {entry: first + at for at, entry in enumerate(tiles.decode_entries(data))}
        except ValueError:
            return

    def compare(
        self, leaves: Iterable[dict[str, Any]], submissions: Iterable[dict[str, Any]], settled: str
    ) -> int:
        """Compares what the databases of `evidence` and `ingest` list with the entries that were read.

        What was received after `settled` (RFC 3339) may be on its way still. Returns how many submissions.
        """
        blamed = {wrong.leaf for wrong in self.found if wrong.kind == "entry"}
        is_sound = not any(wrong.kind in UNSOUND for wrong in self.found)
        by_ref: dict[str, int] = {}
        for count, leaf in enumerate(leaves, 1):
            self.tell("rows of the log", min(count, self.size), self.size)
            index, entry = leaf["index"], bytes.fromhex(leaf["entry"])
            if index < self.size and self.entries.get(entry) != index and index not in blamed and is_sound:
                self.found.append(Wrong("log-row", "evidence: leaves", index))
            if leaf["subject"] == "submission":
                by_ref[leaf["ref"]] = index
        count, of = 0, len(by_ref)
        for count, one in enumerate(submissions, 1):
            self.tell("submissions", count, max(of, count))
            index = by_ref.pop(one["submission"], None)
            self.found += _stored(one, index)
            is_pending = one["received_at"] > settled or (index is not None and index >= self.size)
            is_there = one["entry"] is not None and bytes.fromhex(one["entry"]) in self.entries
            before_the_log = one["entry"] is None and index is None
            if not (is_there or before_the_log or is_pending or index in blamed):
                kind = "no-leaf" if index is None else "row" if is_sound else "disagree"
                self.found.append(Wrong(kind, f"submission {one['submission']}", index))
        self.found += [Wrong("deleted", f"submission {ref}", index) for ref, index in by_ref.items()]
        return count


def _stored(one: dict[str, Any], index: int | None) -> Iterator[Wrong]:
    if one["stored_sha256"] is None:
        yield Wrong("raw-missing", f"submission {one['submission']}", index)
    elif one["stored_sha256"] != one["sha256"]:
        yield Wrong("raw", f"submission {one['submission']}", index)


def _wrong(fault: Fault) -> Wrong:
    byte = fault.byte
    if fault.kind == "entry" and fault.leaf is not None:
        byte = fault.leaf % WIDTH * 34 + 2  # entries of this log have 32 bytes behind a length of two
    return Wrong(fault.kind, fault.path, fault.leaf, byte)


def saying(purpose: str, case: str) -> dict[str, str]:
    """The headers that say what is read for what; a case's number may be Chinese."""
    return {"X-Purpose": quote(purpose)} | ({"X-Case": quote(case)} if case else {})


def fetch_bundle(
    platform: Platform,
    who: str,
    device: str,
    period: dict[str, str],
    file: Path,
    said: dict[str, str],
) -> None:
    """Writes the bundle to `file`, with a count of bytes on stderr. Refused as the platform refuses."""
    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    path = f"/api/ingest/devices/{quote(device, safe='')}/bundle"
    try:
        with (
            platform.client(who, seconds=300) as client,
            client.stream("GET", path, params=period, headers=said) as answer,
            file.open("wb") as written,
            Progress(*columns, console=console) as bar,
        ):
            if answer.status_code != 200:
                answer.read()
                code = 3 if answer.is_server_error else 2
                raise Refused(f"{path}: {answer.status_code} {answer.text[:800]}", code)
            task = bar.add_task("receiving", total=None)
            for chunk in answer.iter_bytes():
                written.write(chunk)
                bar.advance(task, len(chunk))
    except httpx.TransportError as error:
        raise Refused(f"the bundle broke off, nothing was kept ({error})", 3) from None


def pages(platform: Platform, who: str, path: str) -> Iterator[dict[str, Any]]:
    """Every item of a paged list."""
    cursor: str | None = None
    with platform.client(who, seconds=60) as client:
        while True:
            try:
                answer = client.get(path, params={"limit": 1000} | ({"cursor": cursor} if cursor else {}))
            except httpx.TransportError as error:
                raise Refused(f"the platform does not answer at {platform.edge} ({error})", 3) from None
            if answer.status_code >= 400:
                code = 3 if answer.is_server_error else 2
                raise Refused(f"{path}: {answer.status_code} {answer.text[:300]}", code)
            body = answer.json()
            yield from body["items"]
            cursor = body.get("next")
            if cursor is None:
                return
