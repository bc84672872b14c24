"""`python tests/bench/parsing.py`: HJ 212 frames a CPU-second, beside what checking them must cost.

Twelve factors a frame, cut from a stream, CRC checked, fields and pairs read. The floor is sha256 and CRC of
the same bytes alone. CPU time is counted, so that a busy machine changes the figures little; medians of five.
"""

import hashlib
import os
import statistics
import time
from collections.abc import Callable

from ingest.rules import crc
from ingest.rules.hj212_build import data_frame
from ingest.rules.stream import StreamParser

FRAMES = 20_000
SIP = 32_768
FACTORS = ("a34004", "a34002", "a05024", "a21026", "a21004", "a21005", "a21003", "a21002", "a01001", "a01002",
           "a01006", "a01007")  # fmt: skip


def frames() -> list[bytes]:
    device = {"ST": 22, "PW": "123456", "MN": "010000A8900016F000169DC0"}
    return [
        data_frame(
            device,
            2061,
            "20260301070000",
            [
                (code, {"Avg": f"{(number * 7 + at) % 977 / 10:.3f}", "Flag": "N"})
                for at, code in enumerate(FACTORS)
            ],
            qn=f"2026030108{number:07d}",
        )
        for number in range(FRAMES)
    ]


def rate(work: Callable[[], None]) -> float:
    """Frames a CPU-second."""
    spent = []
    for _ in range(5):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return FRAMES / statistics.median(spent)


def main() -> None:
    made = frames()
    stream = b"".join(made)

    def parse() -> None:
        parser, found = StreamParser(), 0
        for at in range(0, len(stream), SIP):
            found += len(parser.feed(stream[at : at + SIP]))
        assert found == FRAMES

    def floor() -> None:
        for frame in made:
            hashlib.sha256(frame).digest()
            crc.annex(frame[6:-6])

    parsed, least = rate(parse), rate(floor)
    load = os.getloadavg()[0]
    print(
        f"parsing {parsed:,.0f} frames/s per core ({len(made[0])} bytes, {len(FACTORS)} factors, CRC checked)"
    )
    print(f"sha256 and CRC alone {least:,.0f} frames/s; ratio {parsed / least:.2f}; load {load:.1f}")


if __name__ == "__main__":
    main()
