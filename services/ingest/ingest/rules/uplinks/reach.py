"""Where a link may go: nowhere inside, unless the settings name it.

Promises: pure; loopback, private, link-local and every other address that is not public is inside, however it
is written into IPv6, and so is a name that only this platform's own network knows. Leaves looking names up to
`flows.uplinks.reaching`.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

from ingest.rules.refusals import Flaw, flaw

# RFC 6052 §2.1: IPv4 behind a translator.
_NAT64 = ip_network("64:ff9b::/96")
# RFC 6762 §3, RFC 6761 §6.3, ICANN's reserved .internal, and what Kubernetes names services.
_INSIDE = (".local", ".localhost", ".internal", ".svc")


class Reach(msgspec.Struct, frozen=True):
    """What the settings allow, and the names of this platform's own services."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    own: frozenset[str] = frozenset()


def reach_of(allows: Iterable[str], own: Iterable[str] = ()) -> Reach:
    """The reach of `INGEST_UPLINK_ALLOWS`. Raises ValueError for a network that is none.

    Worked example: `reach_of(["10.1.0.0/16", "gateway.moe"])` allows that network and that name.
    """
    hosts, networks = set(), []
    for one in allows:
        try:
            networks.append(ip_network(one.strip("[]"), strict=False))
        except ValueError:
            if "/" in one or not one.strip():
                raise
            hosts.add(_plain(one))
    return Reach(frozenset(hosts), tuple(networks), frozenset(map(_plain, own)))


def barred(reach: Reach, host: str, addresses: Sequence[str], where: str, *, is_clear: bool) -> Flaw | None:
    """Why a link may not go to `host`, which has these addresses now; `is_clear`: http without TLS.

    Worked example: without any allowance 169.254.169.254 is barred, by whatever name it is known.
    """
    name = _plain(host)
    if name in reach.hosts:
        return None
    outside = [address for one in addresses if not _is_allowed(reach, address := _embedded(one), one)]
    if addresses and not outside:
        return None
    if not _is_address(name) and (name in reach.own or "." not in name or name.endswith(_INSIDE)):
        return flaw(where, "uplink-host", host)
    for one in outside:
        if not one.is_global or one.is_multicast:
            return flaw(where, "uplink-host", host if str(one) == name else f"{host} = {one}")
    return flaw(where, "uplink-clear", host) if is_clear else None


def _is_allowed(reach: Reach, address: IPv4Address | IPv6Address, written: str) -> bool:
    return any(address in network or ip_address(written) in network for network in reach.networks)


def _plain(host: str) -> str:
    return host.lower().strip("[]").rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _embedded(written: str) -> IPv4Address | IPv6Address:
    """The address, or the IPv4 address that an IPv6 one leads to."""
    address = ip_address(written)
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
