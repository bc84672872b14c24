"""What is said about values that came later than allowed: one `LatenessNoticed` per place of a transaction.

Promises: every committed late value is counted in exactly one event; back-fill, historical data, repeats and
revisions are never late. Leaves the judgement to `rules.judge` and `rules.readings`, publishing to `kit`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from contracts.ingest import LatenessNoticed
from kit import outbox

from ingest.flows.parcels import Parcel
from ingest.flows.recorded import MODES, Values
from ingest.rules.limits import limits_on
from ingest.rules.registry import Channel
from ingest.rules.times import CHINA, SECOND, micros

_LATE = MODES.index("late")
_MOST_SERIES = 1000
# Of one series in one submission: (channel, parcel, first start, last start, values).
Found = tuple[int, int, int, int, int]


def lateness_events(values: Values, parcels: Sequence[Parcel]) -> Iterator[outbox.Said]:
    """(event, key, traces) for each site, source, period and device that has late values."""
    is_late = values.mode == _LATE
    if not is_late.any():
        return
    late = values.take(is_late)
    places: dict[tuple[str, str, str, str | None], list[Found]] = {}
    pairs, whose, counts = np.unique(
        late.at * len(parcels) + late.parcel, return_inverse=True, return_counts=True
    )
    first, last = np.full(len(pairs), late.start.max()), np.full(len(pairs), late.start.min())
    np.minimum.at(first, whose, late.start)
    np.maximum.at(last, whose, late.start)
    columns = (pairs.tolist(), first.tolist(), last.tolist(), counts.tolist())
    for pair, begun, ended, count in zip(*columns, strict=True):
        at, parcel = divmod(pair, len(parcels))
        ref = values.channels[at].ref
        place = (ref.site, ref.source, ref.period, parcels[parcel].device)
        places.setdefault(place, []).append((at, parcel, begun, ended, count))
    for (site, *_, device), found in places.items():
        senders = [parcels[number] for number in dict.fromkeys(one[1] for one in found)]
        event = _event(values.channels, parcels, device, found, [str(sender.id) for sender in senders])
        yield event, site, [sender.trace_id for sender in senders]


def _event(
    channels: Sequence[Channel],
    parcels: Sequence[Parcel],
    device: str | None,
    found: Sequence[Found],
    submissions: list[str],
) -> LatenessNoticed:
    ref = channels[found[0][0]].ref
    received = [micros(parcels[parcel].received_at) for _, parcel, *_ in found]
    delays = [
        now - begun - channels[at].period_seconds * SECOND
        for now, (at, _, begun, _, _) in zip(received, found, strict=True)
    ]
    day = parcels[found[0][1]].received_at.astimezone(CHINA).date()
    return LatenessNoticed(
        submissions=submissions,
        mn=device,
        site=ref.site,
        region=ref.region,
        uscc=ref.uscc,
        source=ref.source,
        period=ref.period,
        from_ms=min(one[2] for one in found) // 1000,
        to_ms=max(one[3] for one in found) // 1000,
        series=sorted({channels[one[0]].ref.id for one in found})[:_MOST_SERIES],
        late=sum(one[4] for one in found),
        allowed_seconds=limits_on(day).late_after(ref.period),
        longest_seconds=max(delays) // SECOND,
        received_at_ms=max(received) // 1000,
    )
