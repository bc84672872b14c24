"""The corpus of every body parser, and mutations of it: nothing but a refusal is ever raised."""

import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from bodies import BODIES  # noqa: E402


@pytest.mark.parametrize("name", BODIES)
def test_the_corpus_of_a_body_parser_keeps_its_truths(name: str) -> None:
    seeds = sorted((HERE / "corpus" / name).iterdir())
    assert len(seeds) >= 5 and all(path.stat().st_size <= 8192 for path in seeds)
    for path in seeds:
        BODIES[name][0](path.read_bytes())


@pytest.mark.parametrize("name", BODIES)
def test_mutations_of_the_corpus_break_nothing(name: str) -> None:
    check, longest, words = BODIES[name]
    seeds = [path.read_bytes() for path in sorted((HERE / "corpus" / name).iterdir())]
    chance = random.Random(name)
    for _ in range(150):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(0, 8)):
            at = chance.randint(0, len(data))
            kind = chance.randint(0, 3)
            if kind == 0:
                data[at:at] = chance.choice(words)
            elif kind == 1:
                del data[at : at + chance.randint(1, 40)]
            elif kind == 2 and data:
                data[at % len(data)] = chance.randint(0, 255)
            else:
                data[at:at] = data[: chance.randint(0, 200)]
        check(bytes(data[:longest]))


@pytest.mark.parametrize("name", BODIES)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    BODIES[name][0](data)
