"""Who is at the other end of the wire, as far as we can know."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address: the peer's, or what the outermost of our TRUSTED_PROXY_COUNT proxies saw.

    What stands further left in X-Forwarded-For was written by the client and is not believed.
    """
    peer = request.META.get("REMOTE_ADDR") or "unknown"
    count = settings.TRUSTED_PROXY_COUNT
    if not count:
        return peer
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    return seen[-count] if len(seen) >= count else peer


def client_network(request: HttpRequest) -> str:
    """What to count attempts by: the IPv4 address, or the /64 that an IPv6 client can roam in at will."""
    address = client_address(request)
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
