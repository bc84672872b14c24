"""What one core does without a network: frames read and judged, leaves of the log, proofs from its tiles.

Promises: figures are per second of processor time of one core, so that neighbours on the machine matter
little. Leaves the same work behind sockets and a database to the other rows.
"""

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.ingest import SeriesRef
from frames import FACTORS, frame, mn
from ingest.rules.limits import limits_on
from ingest.rules.readings import Reading, make_plan, read_group
from ingest.rules.registry import Channel, Device, Registry, SeriesKey
from ingest.rules.stream import StreamParser
from limits import per_cpu_second
from load import percentiles
from tlog.merkle import Tree, inclusion_proof, leaf_hash, root, verify_inclusion
from tlog.tiles import Tile, added, encode, reader


def parsing(seconds: float) -> dict[str, float]:
    """Frames of 12 factors a second: cut out of the stream, CRC checked, read; and read into values too."""
    packets = [b"".join(frame(device, 1) for device in range(start, start + 50)) for start in (0, 50)]
    count = len(StreamParser().feed(packets[0]))
    assert count == 50
    turn = iter(range(10**9))
    plain = per_cpu_second(lambda: StreamParser().feed(packets[next(turn) % 2]), seconds, count)
    return {"parse": plain, "parse_and_read": per_cpu_second(_reading(packets[0]), seconds, count)}


def _reading(packet: bytes) -> Callable[[], None]:
    registry = _registry()
    device, limits, now = registry.devices[mn(0)], limits_on(date(2026, 1, 1)), _now()
    names = StreamParser().feed(packet)[0].segment.names
    plan = make_plan(names, "rtd", "22", device, registry)
    assert len(plan.ids) == len(FACTORS), plan.flaws

    def read() -> None:
        group = [Reading(plan, one.segment.values, now) for one in StreamParser().feed(packet)]
        assert len(read_group(group, limits).columns.ids) == len(FACTORS) * len(group)

    return read


def _now() -> int:
    return int(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1_000_000)


def _registry() -> Registry:
    device = Device(mn=mn(0), site="131000-B00", source=mn(0), password_sha256=None)
    channels = {}
    for number, factor in enumerate(FACTORS):
        ref = SeriesRef(
            id=number, site=device.site, site_kind="station", region="131000", element="air", factor=factor,
            statistic="rtd", basis="raw", period="rtd", source=mn(0), unit="ug/m3", decimals=1,
        )  # fmt: skip
        channels[SeriesKey(device.site, factor, "rtd", "raw", "rtd", mn(0))] = Channel(ref, ref.unit, 0, "00")
    return Registry(1, {}, channels, {}, {device.mn: device})


def log(leaves: int, proofs: int) -> dict[str, float]:
    """Leaves a second (hash, append, tiles written by the thousand), and proofs read back from tiles."""
    with TemporaryDirectory(prefix="jz-tiles-") as folder:
        home = Path(folder)
        begun = time.process_time()
        tree, records = Tree(), [hashlib.sha256(b"%d" % n).digest() for n in range(leaves)]
        for start in range(0, leaves, 1000):
            old = tree.size
            for record in records[start : start + 1000]:
                tree.append(leaf_hash(record))
            for tile in added(old, tree.size):
                path = home / tile.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode(tile, tree.read))
        rate = leaves / (time.process_time() - begun)
        top = root(tree.size, tree.read)
        delays = [_proof(home, tree.size, index % tree.size, top) for index in range(0, proofs * 7919, 7919)]
    return {"leaves": rate, **percentiles(delays)}


def _proof(home: Path, size: int, index: int, top: bytes) -> float:
    """Seconds of one proof, from tiles on disk alone; it is verified afterwards."""

    def fetch(tile: Tile) -> bytes:
        return (home / tile.path).read_bytes()

    begun = time.perf_counter()
    path = inclusion_proof(index, size, reader(size, fetch))
    spent = time.perf_counter() - begun
    assert verify_inclusion(leaf_hash(hashlib.sha256(b"%d" % index).digest()), index, size, path, top)
    return spent
