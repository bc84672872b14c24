"""What a demonstration remembers between its runs: when it was first played, and up to when it has sent.

Promises: played again, the past days are the same, so nothing is revised. Kept in `.state/demo.json`.
"""

import json
import time
from pathlib import Path

from jianzhen.demo.signals import HOUR
from jianzhen.state import State


class Memory:
    """`now` is the epoch second of the first play; everything up to `sent_until` has been sent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = json.loads(path.read_text()) if path.exists() else {}
        self.now: int = kept.get("now", int(time.time()))
        self.sent_until: int = kept.get("sent_until", self.now // HOUR * HOUR)
        self.remember()

    @classmethod
    def here(cls) -> "Memory":
        home = State.here().home
        home.mkdir(parents=True, exist_ok=True)
        return cls(home / "demo.json")

    def remember(self, sent_until: int | None = None) -> None:
        self.sent_until = self.sent_until if sent_until is None else sent_until
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps({"now": self.now, "sent_until": self.sent_until}))
        new.replace(self._path)
