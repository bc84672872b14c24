"""`python tests/fuzz/run.py TARGET|all --seconds N --inputs M`: coverage-guided fuzzing of the parsers.

Promises: ends after N seconds or M inputs, whichever is first, and says how many there were; starts from the
committed corpus, keeps what it finds new under .artefacts/fuzz; a broken truth, a hang of ten seconds or more
than half a gigabyte ends it with a code other than 0 and the input in a file.
Where atheris has no wheel the same targets run on random mutations of the corpus, without the guide of
coverage; it says which.
"""

import argparse
import faulthandler
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

try:
    import atheris
except ImportError:
    atheris = None

if TYPE_CHECKING:
    from targets import Target

HERE = Path(__file__).resolve().parent
FOUND = HERE.parents[1] / ".artefacts" / "fuzz"
MOST_MEGABYTES = 512
HANG_SECONDS = 10


def seeds_of(name: str) -> list[Path]:
    """The committed inputs of a target."""
    return sorted((HERE / "corpus" / name).iterdir())


def guided(name: str, target: "Target", seconds: int, inputs: int) -> None:
    """libFuzzer through atheris; does not return."""
    grown = FOUND / name
    grown.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".dict", delete=False) as words:
        for word in target.words:
            words.write('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n')
    limits = (f"-rss_limit_mb={MOST_MEGABYTES}", f"-timeout={HANG_SECONDS}", f"-max_len={target.longest}")
    places = (f"-artifact_prefix={grown.parent}/{name}-", f"-dict={words.name}", str(grown))
    until = (f"-max_total_time={seconds}", f"-runs={inputs}")
    given = (*until, "-print_final_stats=1", "-verbosity=1", *limits, *places)
    atheris.Setup([sys.argv[0], *given, str(HERE / "corpus" / name)], target.check)
    atheris.Fuzz()


def blind(name: str, target: "Target", seconds: int, inputs: int) -> int:
    """Random mutations of the corpus; the same promises."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEGABYTES << 20, resource.RLIM_INFINITY))
    chance, seeds = random.Random(), [path.read_bytes() for path in seeds_of(name)]
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until and count != inputs:
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(0, 8)):
            at = chance.randint(0, len(data))
            data[at : at + chance.randint(0, 9)] = chance.choice((chance.randbytes(3), *target.words))
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        try:
            target.check(bytes(data[: target.longest]))
        except BaseException:
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / f"{name}-crash").write_bytes(data)
            raise
        count += 1
    faulthandler.cancel_dump_traceback_later()
    print(f"stat::number_of_executed_units: {count} (not guided: atheris has no wheel here)")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="a name of targets.py, or all")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--inputs", type=int, default=-1, help="of each target; -1: no limit")
    asked = parser.parse_args()
    if asked.target == "all":
        from targets import TARGETS

        for name in TARGETS:
            print(f"fuzz: {name}, {asked.seconds} s", flush=True)
            limits = ("--seconds", str(asked.seconds), "--inputs", str(asked.inputs))
            command = [sys.executable, __file__, name, *limits]
            if code := subprocess.run(command, check=False).returncode:
                return code
        return 0
    if atheris is None:
        from targets import TARGETS

        return blind(asked.target, TARGETS[asked.target], asked.seconds, asked.inputs)
    # Table look-ups: nothing there for coverage to find, and a tenth of the time.
    with atheris.instrument_imports(
        include=["ingest.rules", "jianzhen.selfcheck", "qc.rules.bundle"], exclude=["ingest.rules.crc"]
    ):
        from targets import TARGETS
    guided(asked.target, TARGETS[asked.target], asked.seconds, asked.inputs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
