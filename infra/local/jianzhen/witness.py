"""A witness of transparency logs (C2SP tlog-witness), as another department runs it: a state file and HTTP.

Promises: what is cosigned was durable before (written, fsynced, renamed, folder fsynced); one process per
state file; a state file that cannot be read stops the start, as a witness without memory would cosign a fork;
a full disk answers 503 and cosigns nothing. Leaves the rules to `tlog.witness`, TLS to a proxy in front.
"""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from kit import problems
from kit.deadline import BodyDeadline
from tlog import cosignature, note, witness
from tlog.note import BadNote, Key
from tlog.trust import Secret
from tlog.witness import Refused as WitnessRefused
from tlog.witness import Seen

from jianzhen.screen import say
from jianzhen.state import Refused

FORMAT = "jianzhen-witness/1"
BODY_SECONDS = 10.0


@dataclass
class Memory:
    """The latest cosigned checkpoint of each log, in a file."""

    file: Path
    seen: dict[str, Seen]
    _lock: TextIO

    @classmethod
    def open(cls, file: Path) -> "Memory":
        """Reads the state, or begins with none. Refused if another process has it, or it is damaged."""
        lock = _locked(file)
        try:
            if file.exists():
                return cls(file, _parsed(json.loads(file.read_bytes())), lock)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            lock.close()
            why = f"{file} is damaged ({wrong}); a witness without its memory could cosign a fork."
            raise Refused(f"{why} Restore it, or begin anew under another name and key") from None
        say(f"{file} does not exist: this witness begins without a memory of any log")
        return cls(file, {}, lock)

    def keep(self, origin: str, seen: Seen) -> None:
        """Makes the state durable, then believes it. OSError leaves what is believed as it was."""
        after = self.seen | {origin: seen}
        logs = {name: {"size": one.size, "root": note.encode_base64(one.root)} for name, one in after.items()}
        new = self.file.with_name(self.file.name + ".new")
        with new.open("w") as written:
            json.dump({"format": FORMAT, "logs": logs}, written, indent=1)
            written.flush()
            os.fsync(written.fileno())
        new.replace(self.file)
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.seen = after


def _locked(file: Path) -> TextIO:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.with_name(file.name + ".lock").open("a")
    except OSError as wrong:
        raise Refused(f"{file} cannot be used: {wrong.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Refused(f"another witness works with {file}: one process per state file") from None
    return lock


def _parsed(kept: Any) -> dict[str, Seen]:
    if kept["format"] != FORMAT:
        raise ValueError("another format")
    return {
        origin: Seen(note.parse_size(str(one["size"])), note.decode_hash(one["root"]))
        for origin, one in kept["logs"].items()
    }


@dataclass
class Witness:
    """Decides one request at a time: what is known is read, changed and kept without anything in between."""

    secret: Secret
    logs: Mapping[str, Key]
    memory: Memory
    clock: Callable[[], float] = time.time
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def add_checkpoint(self, body: bytes) -> str:
        """The cosignature line. Raises tlog.witness.Refused, or OSError while the state cannot be kept."""
        request = witness.parse_request(body)
        origin = witness.origin_of(request)
        async with self._turn:
            known = self.memory.seen.get(origin, Seen())
            after, _ = witness.decide(known, request, self.logs.values())
            if after != known or origin not in self.memory.seen:
                await asyncio.to_thread(self.memory.keep, origin, after)
            # Still in turn: the statement is that nothing larger is known at this second.
            return cosignature.cosign(
                request.checkpoint, self.secret.seed, self.secret.name, int(self.clock())
            )


def application(watching: Witness) -> FastAPI:
    """`POST /add-checkpoint`, and `GET /`, which says who this is and what it has seen."""
    app = FastAPI(title="Jianzhen witness 鉴真·见证方", openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)
    app.add_middleware(BodyDeadline, seconds=BODY_SECONDS)

    @app.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > witness.MOST_BYTES:
                break
        try:
            line = await watching.add_checkpoint(bytes(body))
        except WitnessRefused as refused:
            say(f"refused {refused.status}: {str(refused)!r}")
            return Response(refused.body, refused.status, media_type=refused.media_type)
        except OSError as wrong:
            say(f"the state cannot be kept: {wrong.strerror}")
            return PlainTextResponse("the witness cannot keep its state\n", 503)
        return PlainTextResponse(line)

    @app.get("/")
    async def show() -> dict[str, Any]:
        seen = {origin: one.size for origin, one in watching.memory.seen.items()}
        logs = [{"key": key.text, "size": seen.get(key.name, 0)} for key in watching.logs.values()]
        return {"witness": watching.secret.key.text, "logs": logs}

    return app


def logs_of(texts: list[str]) -> dict[str, Key]:
    """The logs to watch, by origin; each text is a key or a file that holds one. Refused otherwise."""
    found: dict[str, Key] = {}
    for text in texts:
        try:
            content = Path(text).read_text() if "+" not in text else text
            key = note.parse_key(content.strip())
        except (OSError, UnicodeDecodeError, BadNote) as wrong:
            raise Refused(f"--log {text}: neither a key nor a file with one ({wrong})") from None
        if key.kind != note.ED25519 or key.name in found:
            raise Refused(f"--log {text}: not a log's key, or the log is named twice")
        found[key.name] = key
    return found
