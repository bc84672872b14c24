"""Parsers under fuzzing: the committed corpus always, coverage-guided search for a minute in test-all."""

import os
import random
import re
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from ingest.rules.frames import check_line  # noqa: E402
from ingest.rules.stream import MAX_PENDING, StreamParser  # noqa: E402
from run import seeds_of  # noqa: E402
from targets import TARGETS  # noqa: E402

SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_of_a_parser_keeps_its_truths(name: str) -> None:
    seeds = seeds_of(name)
    assert len(seeds) >= 5 and all(path.stat().st_size <= 8192 for path in seeds)
    for path in seeds:
        TARGETS[name].check(path.read_bytes())


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("name", TARGETS)
def test_a_minute_of_fuzzing_breaks_nothing(name: str) -> None:
    # Through a shell that forks: a process started by a large one would inherit its peak of memory.
    fuzz = [sys.executable, str(HERE / "run.py"), name, "--seconds", str(SECONDS)]
    command = ["sh", "-c", '"$@"; exit $?', "sh", *fuzz]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-4000:]
    (count,) = re.findall(r"number_of_executed_units: (\d+)", said)
    print(f"{name}: {int(count):,} inputs in {SECONDS} s")
    assert int(count) > TARGETS[name].fewest * SECONDS


def test_a_number_of_inputs_ends_it_too() -> None:
    command = [sys.executable, str(HERE / "run.py"), "grammar", "--seconds", "100", "--inputs", "2000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.findall(r"number_of_executed_units: (\d+)", done.stdout + done.stderr) == ["2000"]


HOSTILE = {
    "no separator": b"##9999" + b"a" * 10_000,
    "many groups": b"##9990" + b";" * 9990 + b"0000\r\n",
    "many texts": b"##9990CP=&&" + b"a=//b;" * 1660 + b"&&0000\r\n",
    "open texts": b"##9990CP=&&" + b"=//" * 3300 + b"&&0000\r\n",
    "braces": b"##9990CP=&&{" + b"0x1 , " * 1660 + b"&&0000\r\n",
    "blanks": b"##9990CP=&&a=//" + b" " * 4000 + b"//" * 2000 + b"&&0000\r\n",
    "hashes": b"#" * 10_000,
    "headers": b"##9990" + b"##" * 4990 + b"\r\n",
    "starts": b"##99" * 2500,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_frame_takes_more_time_than_its_length_explains(name: str) -> None:
    hostile = HOSTILE[name]
    begun = time.process_time()
    check_line(hostile)
    parser = StreamParser()
    for at in range(0, len(hostile), 100):
        parser.feed(hostile[at : at + 100])
    parser.settle()
    parser.finish()
    assert time.process_time() - begun < 1.0


def test_a_hostile_stream_costs_bounded_memory() -> None:
    chance, parser = random.Random(7), StreamParser()
    pieces = [*HOSTILE.values(), *(path.read_bytes() for path in seeds_of("stream"))]
    tracemalloc.start()
    try:
        for _ in range(400):
            parser.feed(chance.choice(pieces)[: chance.randint(1, 12_000)])
            assert parser.pending <= MAX_PENDING
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 4_000_000 and peak < 16_000_000, (kept, peak)
