"""What the edge says and how much of it fits: a forwarded address, a token bucket, the ids a request names.

Promises: pure; `now` is an argument, in seconds.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

PREFIX = "/api/"
IPV6_SITE_BITS = 64
# The parameters of a query that say whose data is asked for.
NAMING = frozenset({"uscc", "site", "station", "code", "mn", "device", "series", "submission", "case", "id"})
MOST_REFS, LONGEST_REF = 20, 100


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


@dataclass(frozen=True)
class Named:
    """What a request names: `refs` such as `mn=…` and `site=…`, and the query's words of their own."""

    refs: tuple[str, ...]
    query: dict[str, str]

    def value(self, *names: str) -> str | None:
        """The first ref of one of these names."""
        found = (ref.partition("=")[2] for ref in self.refs if ref.partition("=")[0] in names)
        return next(found, None)


def named(template: str, path: str, query: str) -> Named:
    """The ids in a path and its query, at most 20 of at most 100 characters.

    Worked example: `named("/devices/{mn}/bundle", "/devices/A1/bundle", "from=1&site=S")` has the refs
    `mn=A1` and `site=S`.
    """
    parts = zip(template.strip("/").split("/"), path.strip("/").split("/"), strict=False)
    pairs = [(one[1:-1], unquote(value)) for one, value in parts if one.startswith("{")]
    try:
        asked = parse_qsl(query, max_num_fields=100)
    except ValueError:
        asked = []
    pairs += [(name, value) for name, value in asked if name in NAMING]
    refs = dict.fromkeys(f"{name}={storable(value)[:LONGEST_REF]}" for name, value in pairs)
    return Named(tuple(refs)[:MOST_REFS], dict(asked))


def storable(value: str) -> str:
    """A NUL or half a surrogate pair cannot be stored; what stands for it can."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
