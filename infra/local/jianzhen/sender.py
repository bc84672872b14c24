"""Sends batches through the public HTTP API as a department's system would, and remembers every answer.

Promises: a batch counts as sent only when its 202 stands in the journal; after an interruption the same
batches go again with the same Idempotency-Key, so nothing is doubled; while the platform is away it waits
and tries again. Leaves reading the file to `mapping`.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from jianzhen.mapping import Batch
from jianzhen.platform import Platform
from jianzhen.state import Refused

PATH = "/api/ingest/observations"
COUNTS = ("accepted", "repeated", "revised", "refused")
# 409: a request with the same key is still being handled.
AGAIN = frozenset({409, 429, 500, 502, 503, 504})


class Journal:
    """One JSON line for each answered batch: key, submission, counts; the sender's own log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.answers: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    answer = json.loads(line)
                except ValueError:
                    continue  # a kill in the middle of a line: that batch goes again
                self.answers[answer["key"]] = answer
        self._file = path.open("a")
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            self._file.write("\n")
        self._lock = threading.Lock()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, answer: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(answer, ensure_ascii=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self.answers[answer["key"]] = answer

    def totals(self) -> dict[str, int]:
        return {name: sum(int(one.get(name, 0)) for one in self.answers.values()) for name in COUNTS}


@dataclass
class Sender:
    """`rate` in rows a second (0 = as fast as it goes); `patience` in seconds without any answer."""

    platform: Platform
    principal: str
    journal: Journal
    rate: float = 0.0
    concurrency: int = 4
    patience: float = 300.0

    def send(self, batches: Iterator[Batch], progress: Callable[[Batch], None]) -> int:
        """Send what the journal does not have yet; returns rows sent now. Refused when it cannot go on."""
        begun, rows = time.monotonic(), 0
        with (
            self.platform.client(self.principal, seconds=60) as client,
            ThreadPoolExecutor(self.concurrency) as pool,
        ):
            pending: set[Future[Batch]] = set()
            try:
                for batch in batches:
                    if batch.key in self.journal.answers:
                        progress(batch)
                        continue
                    if self.rate:
                        time.sleep(max(0.0, begun + rows / self.rate - time.monotonic()))
                    rows += batch.rows
                    pending.add(pool.submit(self._one, client, batch))
                    pending = self._reap(pending, progress, room=self.concurrency)
                while pending:
                    pending = self._reap(pending, progress, room=0)
            except BaseException:
                for future in pending:
                    future.cancel()
                raise
        return rows

    def _reap(
        self, pending: set[Future[Batch]], progress: Callable[[Batch], None], room: int
    ) -> set[Future[Batch]]:
        while len(pending) > room:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                progress(future.result())
        return pending

    def _one(self, client: httpx.Client, batch: Batch) -> Batch:
        headers = {"Idempotency-Key": batch.key, "Content-Type": "application/json"}
        deadline, pause = time.monotonic() + self.patience, 0.2
        while True:
            why, asked = "", 0.0
            try:
                answer = client.post(PATH, content=batch.body, headers=headers)
                if answer.status_code not in AGAIN:
                    self._keep(batch, answer)
                    return batch
                why, asked = f"{answer.status_code}", float(answer.headers.get("Retry-After") or 0)
            except (httpx.TransportError, Refused) as error:
                if isinstance(error, Refused) and error.code != 3:
                    raise
                why = str(error) or type(error).__name__
            if time.monotonic() > deadline:
                raise Refused(
                    f"no answer for {self.patience:.0f} s ({why}); the same command goes on from here", 3
                )
            time.sleep(min(5.0, max(pause, asked)))
            pause = min(5.0, pause * 2)

    def _keep(self, batch: Batch, answer: httpx.Response) -> None:
        body = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        # 422 on a whole batch is an answer too: every row of it was refused, and is kept with its reasons.
        if answer.status_code not in (200, 202, 422) or "submission" not in body:
            what = body.get("detail") or body.get("title") or answer.text[:500]
            raise Refused(f"batch {batch.number} was refused with {answer.status_code}: {what}")
        counts = {name: body.get(name, 0) for name in COUNTS}
        kept = {"key": batch.key, "batch": batch.number, "rows": batch.rows, "status": answer.status_code}
        times = {name: body.get(name) for name in ("submission", "received_at", "trace_id", "sha256")}
        self.journal.add(kept | times | counts | {"not_accepted": body.get("rows", [])[:20]})
