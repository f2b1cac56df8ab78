"""IP addresses and networks: `ip`, `cidr` and what can be asked of them. No zones, no IPv4-mapped IPv6 addresses."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = tuple[Address, int]
"""An address and the length of its prefix; the bits behind the prefix are kept."""

_PREFIX_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
_LINK_LOCAL_MULTICAST = ipaddress.IPv4Network("224.0.0.0/24")


@lru_cache(maxsize=4096)
def _address(text: str) -> Address:
    if "%" in text:
        raise FunctionError(f"{text[:60]!r}: an address with a zone is not allowed")
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise FunctionError(f"{text[:60]!r} is not an IP address") from error
    if found.version == 6 and found.ipv4_mapped is not None:
        raise FunctionError(f"{text[:60]!r}: an IPv4-mapped IPv6 address is not allowed")
    return found


@lru_cache(maxsize=4096)
def _network(text: str) -> Network:
    address, slash, length = text.rpartition("/")
    if not slash:
        raise FunctionError(f"{text[:60]!r} is not a CIDR: there is no '/'")
    found = _address(address)
    if not _PREFIX_LENGTH.fullmatch(length) or int(length) > found.max_prefixlen:
        raise FunctionError(f"{text[:60]!r} is not a CIDR: the prefix must have 0 to {found.max_prefixlen} bits")
    return found, int(length)


def address_in_brackets(text: str) -> bool:
    """Whether a URL's host may have `text` in brackets: an IPv6 address, with a zone or without."""
    address, zoned, zone = text.partition("%")
    try:
        return ipaddress.ip_address(address).version == 6 and bool(zone or not zoned)
    except ValueError:
        return False


def _of(stand_in: bytearray) -> Address:
    text = stand_in.decode(errors="replace")
    if "/" in text or (":" not in text and "." not in text):
        raise FunctionError("no such overload: the value is not an IP address")
    return _address(text)


def _network_of(stand_in: bytearray) -> Network:
    return _network(stand_in.decode(errors="replace"))


def _prefix(network: Network, length: int) -> int:
    return int(network[0]) >> (network[0].max_prefixlen - length)


def _contains(network: Network, other: Network) -> bool:
    same = network[0].version == other[0].version and network[1] <= other[1]
    return same and _prefix(network, network[1]) == _prefix(other, network[1])


def ip(text: str) -> bytearray:
    return bytearray(str(_address(text)).encode())


def is_ip(text: str) -> bool:
    try:
        _address(text)
    except FunctionError:
        return False
    return True


def is_canonical(text: str) -> bool:
    """Whether the address is written as it would be printed."""
    return str(_address(text)) == text


def family(address: bytearray) -> int:
    return _of(address).version


def is_unspecified(address: bytearray) -> bool:
    return _of(address).is_unspecified


def is_loopback(address: bytearray) -> bool:
    return _of(address).is_loopback


def is_link_local_multicast(address: bytearray) -> bool:
    found = _of(address)
    if isinstance(found, ipaddress.IPv4Address):
        return found in _LINK_LOCAL_MULTICAST
    return int(found) >> 112 & 0xFF0F == 0xFF02


def is_link_local_unicast(address: bytearray) -> bool:
    return _of(address).is_link_local


def is_global_unicast(address: bytearray) -> bool:
    """Private addresses are: only what is unspecified, broadcast, loopback, multicast or link-local is not."""
    found = _of(address)
    return not (
        found.is_unspecified
        or found == _BROADCAST
        or found.is_loopback
        or found.is_multicast
        or found.is_link_local
    )


def cidr(text: str) -> bytearray:
    address, length = _network(text)
    return bytearray(f"{address}/{length}".encode())


def is_cidr(text: str) -> bool:
    try:
        _network(text)
    except FunctionError:
        return False
    return True


def contains_ip(network: bytearray, address: str | bytearray) -> bool:
    found = _address(address) if isinstance(address, str) else _of(address)
    return _contains(_network_of(network), (found, found.max_prefixlen))


def contains_cidr(network: bytearray, other: str | bytearray) -> bool:
    return _contains(_network_of(network), _network(other) if isinstance(other, str) else _network_of(other))


def ip_of(network: bytearray) -> bytearray:
    return bytearray(str(_network_of(network)[0]).encode())


def prefix_length(network: bytearray) -> int:
    return _network_of(network)[1]


def masked(network: bytearray) -> bytearray:
    """The network with the bits behind the prefix cleared."""
    address, length = _network_of(network)
    behind = address.max_prefixlen - length
    return bytearray(f"{address.__class__(int(address) >> behind << behind)}/{length}".encode())


FUNCTIONS = (
    *declare(ip, "ip(string) -> net.IP"),
    *declare(is_ip, "isIP(string) -> bool"),
    *declare(is_canonical, "ip.isCanonical(string) -> bool"),
    *declare(family, "<net.IP>.family() -> int"),
    *declare(is_unspecified, "<net.IP>.isUnspecified() -> bool"),
    *declare(is_loopback, "<net.IP>.isLoopback() -> bool"),
    *declare(is_link_local_multicast, "<net.IP>.isLinkLocalMulticast() -> bool"),
    *declare(is_link_local_unicast, "<net.IP>.isLinkLocalUnicast() -> bool"),
    *declare(is_global_unicast, "<net.IP>.isGlobalUnicast() -> bool"),
    *declare(cidr, "cidr(string) -> net.CIDR"),
    *declare(is_cidr, "isCIDR(string) -> bool"),
    *declare(contains_ip, "<net.CIDR>.containsIP(net.IP) -> bool", "<net.CIDR>.containsIP(string) -> bool"),
    *declare(
        contains_cidr, "<net.CIDR>.containsCIDR(net.CIDR) -> bool", "<net.CIDR>.containsCIDR(string) -> bool"
    ),
    *declare(ip_of, "<net.CIDR>.ip() -> net.IP"),
    *declare(prefix_length, "<net.CIDR>.prefixLength() -> int"),
    *declare(masked, "<net.CIDR>.masked() -> net.CIDR"),
)
"""`string(ip)` and `string(cidr)` need none: what stands for the value is its text, and the engine converts it."""
