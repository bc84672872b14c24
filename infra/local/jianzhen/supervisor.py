"""Keeps every program of a run alive: `python -m jianzhen.supervisor`, started by `up` and outliving it.

Promises: a program that ends is started again, at once the first time and then with growing pauses, until
it has run for a while; what is running already is adopted, not doubled; on SIGTERM the supervisor alone
ends and leaves its programs to `down`; a bus that comes back without its store gets its streams again. What
it did stands in `.state/supervisor.json`. Leaves the order of a clean stop to `down`.
"""

import json
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kit.servers import Server, ServerError

from jianzhen.lifecycle import declare_streams
from jianzhen.plan import Plan, Program
from jianzhen.state import State

PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
# A program that ran this long has started well; its next end is a new story.
STEADY_SECONDS = 20.0
LOG_BYTES = 50 * 1024 * 1024


@dataclass
class Story:
    """What happened to one program under this supervisor."""

    restarts: int = 0
    last_exit: str = ""
    last_start: float = field(default=0.0)
    pausing: float = 0.0


class Supervisor:
    """One thread for each program: wait for its end, start it again."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.state = plan.state
        self.stopping = threading.Event()
        self.stories: dict[str, Story] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Until SIGTERM; a start in progress is finished first, so that every process has its pid file."""
        watched: list[Server | Program] = [self.plan.postgres, self.plan.nats, *self.plan.programs()]
        threads = [threading.Thread(target=self._watch, args=(one,), name=one.name) for one in watched]
        for thread in threads:
            thread.start()
        while not self.stopping.wait(5):
            for log in self.state.logs.glob("*.log"):
                with suppress(OSError):
                    shorten(log)
        for thread in threads:
            thread.join()

    def _watch(self, one: Server | Program) -> None:
        story = self.stories.setdefault(one.name, Story())
        early = 0
        child: subprocess.Popen[bytes] | None = None
        story.last_start = time.time() if self.state.pidfile(one.name).pid() else 0.0
        while not self.stopping.is_set():
            child = self._until_end(one, child)
            if self.stopping.is_set():
                return
            if story.last_start:
                early = 0 if time.time() - story.last_start > STEADY_SECONDS else early + 1
                story.restarts += 1
                story.last_exit = _words(child)
            story.pausing = PAUSES[min(early, len(PAUSES) - 1)]
            self._tell()
            if self.stopping.wait(story.pausing):
                return
            story.pausing, story.last_start = 0.0, time.time()
            child = self._launch(one)
            self._tell()

    def _until_end(
        self, one: Server | Program, child: "subprocess.Popen[bytes] | None"
    ) -> "subprocess.Popen[bytes] | None":
        pidfile = self.state.pidfile(one.name)
        while not self.stopping.is_set():
            if child is not None:
                if child.poll() is not None:
                    return child
            elif not (one.is_running() if isinstance(one, Server) else pidfile.pid()):
                return None
            time.sleep(0.1)
        return child

    def _launch(self, one: Server | Program) -> "subprocess.Popen[bytes] | None":
        try:
            return self._start(one)
        except Exception as error:  # a disk that is full or read-only now may be well at the next try
            with suppress(OSError):
                self._note(one.name, str(error) if isinstance(error, ServerError) else repr(error))
            return None

    def _start(self, one: Server | Program) -> "subprocess.Popen[bytes] | None":
        if isinstance(one, Server):
            one.start()
            if one is self.plan.nats:
                self._declare()
            return None
        with self.state.log(one.name).open("ab") as log:
            child = subprocess.Popen(
                one.argv, env=one.env, cwd=self.state.home, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.state.pidfile(one.name).write(child.pid)
        return child

    def _declare(self) -> None:
        """The bus may have lost its store: ask until it has its streams again, or is gone itself."""
        while not self.stopping.is_set() and self.plan.nats.is_running():
            try:
                return declare_streams(self.plan)
            except Exception as error:  # killed again, or slow on a busy machine
                self._note("streams", repr(error))
                self.stopping.wait(0.5)

    def _note(self, name: str, text: str) -> None:
        with self.state.log("supervisor").open("a") as log:
            log.write(f"{time.strftime('%FT%T')} {name}: {text}\n")

    def _tell(self) -> None:
        with self._lock, suppress(OSError):
            path = self.state.home / "supervisor.json"
            new = path.with_suffix(".new")
            new.write_text(
                json.dumps({name: asdict(story) for name, story in self.stories.items()}, indent=1)
            )
            new.replace(path)


def _words(child: "subprocess.Popen[bytes] | None") -> str:
    if child is None or child.returncode is None:
        return "gone"
    if child.returncode < 0:
        return f"killed by {signal.Signals(-child.returncode).name}"
    return f"exit {child.returncode}"


def shorten(log: Path) -> None:
    """Keep one older part of a long log; its writer appends, so it goes on at the new end."""
    if log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        with log.open("r+b") as file:
            file.truncate(0)


def main() -> None:
    supervisor = Supervisor(Plan(State.here()))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    supervisor.run()


if __name__ == "__main__":
    main()
