"""The falsification tests in a process of their own, so that judging a day never holds up judging a value.

Promises: one question, one answer, then the process ends and its memory is free again; it runs at low
priority and ends by itself when its parent is gone. Leaves the tests to `qc.rules.closing.asked`.

Run by the service itself: `python -m qc.flows.apart`, a question on stdin, the answer on stdout.
"""

import asyncio
import os
import sys

import msgspec

from qc.rules import source
from qc.rules.closing.asked import Answer, Asked, answered
from qc.rules.closing.pack import load_closing_pack

NICENESS = 10


class NotAnswered(RuntimeError):
    """The process ended without an answer; its last words are the message."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, and the texts of the rules to judge by."""

    asked: Asked
    files: dict[str, str]


async def judged_apart(asked: Asked) -> Answer:
    """The answer to a question, computed elsewhere by the rules of this process. Raises NotAnswered."""
    question = Question(asked=asked, files=dict(source.current().files))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "qc.flows.apart",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        answer, words = await process.communicate(msgspec.msgpack.encode(question))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise NotAnswered(f"exit {process.returncode}: {words.decode(errors='replace')[-2000:]}")
    return msgspec.msgpack.decode(answer, type=Answer)


def main() -> None:
    os.nice(NICENESS)
    question = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Question)
    source.choose(source.Source(question.files))
    answer = answered(question.asked, load_closing_pack().tests)
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
