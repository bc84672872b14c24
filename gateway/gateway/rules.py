"""What the authorizer judges without looking anywhere: a forwarded address, and a token bucket.

Promises: pure; `now` is an argument, in seconds.
"""

import ipaddress
from dataclasses import dataclass

PREFIX = "/api/"
IPV6_SITE_BITS = 64


@dataclass(frozen=True)
class Limit:
    """`rate` requests a second on average, `burst` at once. `name` is shown in the RateLimit headers."""

    name: str
    rate: float
    burst: int


@dataclass(frozen=True)
class Bucket:
    """What is left of a limit, as of the second `at`."""

    left: float
    at: float


@dataclass(frozen=True)
class Taken:
    """Whether the request fits, how many more would, and in how many seconds the next one does."""

    is_within: bool
    remaining: int
    retry_after: float


def take(bucket: Bucket | None, limit: Limit, now: float) -> tuple[Bucket, Taken]:
    """Takes one from the bucket, if one is there.

    Worked example: rate 2, burst 1, an empty bucket of half a second ago: one is there again.
    """
    if bucket is None:
        left = float(limit.burst)
    else:
        left = min(limit.burst, bucket.left + (now - bucket.at) * limit.rate)
    if left < 1:
        return Bucket(left, now), Taken(False, 0, (1 - left) / limit.rate)
    return Bucket(left - 1, now), Taken(True, int(left - 1), 0.0)


def forwarded(uri: str) -> tuple[str, str] | None:
    """Service and path of a request as the edge saw it, None when it leads to no service.

    Worked example: `/api/cases/leads/7?x=1` is service `cases`, path `/leads/7`.
    """
    path = uri.partition("?")[0]
    if not path.startswith(PREFIX):
        return None
    service, slash, rest = path[len(PREFIX) :].partition("/")
    return (service, slash + rest) if service and slash else None


def sender(forwarded_for: str | None, peer: str) -> str:
    """Who to count an anonymous request on: the address the edge wrote last; of IPv6 the /64.

    Worked example: `sender("10.0.0.1, 2001:db8::7", "127.0.0.1")` is `2001:db8::/64`.
    """
    last = (forwarded_for or peer).rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(last)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_SITE_BITS), strict=False))
