"""Forwarding gives way to receiving: the busier the loop of the process, the longer the rest.

Promises: an idle loop costs no rest to speak of; a saturated one is left alone nearly all the time, but never
for more than two seconds at a stretch, so forwarding goes on. What waits is in the outbox and in the queue.
"""

import asyncio
from time import perf_counter

_PROBE_SECONDS = 0.002
_REST_PER_LAG = 40
_MOST_SECONDS = 2.0


async def give_way() -> None:
    """Rest as long as the loop is late, many times over."""
    begun = perf_counter()
    await asyncio.sleep(_PROBE_SECONDS)
    lag = perf_counter() - begun - _PROBE_SECONDS
    if lag > _PROBE_SECONDS:
        await asyncio.sleep(min(lag * _REST_PER_LAG, _MOST_SECONDS))
