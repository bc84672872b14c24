"""Send a table as it is (CSV), judged first without changing anything: `python old_files.py TABLE.csv`."""

import os
import sys
from pathlib import Path

from jianzhen_client import Problem, from_environment

SITE, SOURCE = os.environ["JZ_SITE"], os.environ["JZ_SOURCE"]


def main() -> int:
    raw = Path(sys.argv[1]).read_bytes()
    with from_environment() as jianzhen:
        try:
            trial = jianzhen.ingest.send_observations(
                raw, media="text/csv", validate="only", source=SOURCE, station=SITE, historical=True
            )
        except Problem as problem:
            for fault in problem.errors:
                print(f"{fault['where']}: {fault['what']} ({fault['mend']})")
            return 1
        print(f"would be accepted: {trial['accepted']}, refused: {trial['refused']}")
        done = jianzhen.ingest.send_observations(
            raw, media="text/csv", source=SOURCE, station=SITE, historical=True
        )
        print(f"accepted: {done['accepted']}, repeated: {done['repeated']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
