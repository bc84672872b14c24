"""Ten thousand loggers that are connected and silent: what they cost the receiver in memory.

Promises: real connections from several loopback addresses, all open at once, counted by the service itself;
afterwards one of them still gets its receipt.
"""

import resource
import time

import frames
import httpx
from stage import Stage

# Descriptors of this process besides the connections.
SPARE = 200


def measure(stage: Stage, wanted: int) -> dict[str, float]:
    """Memory of `ingest` in MB before and with the connections, and how many stayed open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(wanted, hard - SPARE)
    before, begun = stage.rss_mb("ingest"), time.perf_counter()
    sockets = frames.connect(stage.people.hj212, count, per_source=1900)
    spent = time.perf_counter() - begun
    time.sleep(3)
    found = {
        "connections": _open(stage),
        "before_mb": before,
        "with_mb": stage.rss_mb("ingest"),
        "seconds": spent,
        "answered": float(_answers(sockets[-1])),
    }
    for one in sockets:
        one.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return found


def _open(stage: Stage) -> float:
    text = httpx.get(f"{stage.plan.inside('ingest')}/metrics", timeout=20).text
    found = [line.split()[1] for line in text.splitlines() if line.startswith("ingest_connections ")]
    return float(found[0])


def _answers(one) -> bool:
    one.settimeout(10)
    one.sendall(frames.frame(0, 1_000_000))
    return b"CN=9014" in one.recv(4096)
