"""Addresses and networks are read and compared as by the API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plumbline.engines.evaluations import error_of, refusal_of, value_of

VALUES: list[tuple[str, Any]] = [
    ("ip('10.0.0.1').family()", 4),
    ("ip('2001:db8::1').family()", 6),
    ("ip('2001:DB8:0:0::1') == ip('2001:db8::1')", True),
    ("ip('10.0.0.1') == ip('10.0.0.2')", False),
    ("string(ip('2001:DB8:0:0:1:0:0:1'))", "2001:db8::1:0:0:1"),
    ("string(ip('::192.0.2.1'))", "::c000:201"),
    ("string(cidr('192.0.2.7/24'))", "192.0.2.7/24"),
    ("isIP('192.0.2.1')", True),
    ("isIP('192.0.2')", False),
    ("isIP('192.0.2.01')", False),
    ("isIP('192.0.2.1/24')", False),
    ("isIP('::ffff:192.0.2.1')", False),
    ("isIP('fe80::1%eth0')", False),
    ("isIP('1:2:3:4:5:6:7::')", True),
    ("isIP('1:2:3:4:5:6:7:8:9')", False),
    ("isIP('')", False),
    ("ip.isCanonical('2001:db8::1')", True),
    ("ip.isCanonical('2001:DB8::1')", False),
    ("ip('0.0.0.0').isUnspecified()", True),
    ("ip('127.9.9.9').isLoopback()", True),
    ("ip('::1').isLoopback()", True),
    ("ip('224.0.0.251').isLinkLocalMulticast()", True),
    ("ip('224.0.1.1').isLinkLocalMulticast()", False),
    ("ip('ff12::1').isLinkLocalMulticast()", True),
    ("ip('ff05::1').isLinkLocalMulticast()", False),
    ("ip('169.254.169.254').isLinkLocalUnicast()", True),
    ("ip('fe80::1').isLinkLocalUnicast()", True),
    ("ip('10.0.0.1').isGlobalUnicast()", True),
    ("ip('255.255.255.255').isGlobalUnicast()", False),
    ("ip('ff02::1').isGlobalUnicast()", False),
    ("isCIDR('10.0.0.0/8')", True),
    ("isCIDR('10.9.8.7/8')", True),
    ("isCIDR('10.0.0.0/33')", False),
    ("isCIDR('10.0.0.0/08')", False),
    ("isCIDR('10.0.0.0')", False),
    ("isCIDR('::/129')", False),
    ("isCIDR('::ffff:10.0.0.0/104')", False),
    ("cidr('10.0.0.0/8').containsIP('10.200.0.1')", True),
    ("cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))", False),
    ("cidr('::/0').containsIP('10.0.0.1')", False),
    ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", True),
    ("cidr('10.0.0.0/16').containsCIDR(cidr('10.0.0.0/8'))", False),
    ("cidr('0.0.0.0/0').containsCIDR('::/0')", False),
    ("cidr('10.1.2.3/8').ip() == ip('10.1.2.3')", True),
    ("cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')", True),
    ("cidr('10.1.2.3/8') == cidr('10.0.0.0/8')", False),
    ("cidr('2001:db8::ff/120').prefixLength()", 120),
    ("cidr('::1/64').ip().isLoopback()", True),
    ("ip('10.0.0.1') in [ip('10.0.0.2'), cidr('10.0.0.1/32').ip()]", True),
]
ERRORS = [
    ("ip('example.com')", "'example.com' is not an IP address"),
    ("ip('fe80::1%eth0')", "zone"),
    ("ip('::ffff:10.0.0.1')", "IPv4-mapped"),
    ("ip.isCanonical('x')", "not an IP address"),
    ("ip(object.replicas)", "ip"),
    ("cidr('10.0.0.0')", "there is no '/'"),
    ("cidr('10.0.0.0/99')", "0 to 32 bits"),
    ("cidr('10.0.0.0/8').containsIP('x')", "containsIP"),
    ("cidr('10.0.0.0/8').containsCIDR('10.0.0.1')", "containsCIDR"),
    ("dyn(ip('10.0.0.1')).prefixLength()", "prefixLength"),
    ("dyn(cidr('10.0.0.1/8')).family()", "family"),
]
REFUSED = [
    ("ip(1)", "ip(string)"),
    ("ip('10.0.0.1').prefixLength()", "net.CIDR.prefixLength()"),
    ("cidr('10.0.0.0/8').containsIP(1)", "net.CIDR.containsIP(string)"),
]


@pytest.mark.parametrize(("source", "value"), VALUES)
def test_addresses_are_the_api_servers(source: str, value: Any) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize(("source", "reason"), ERRORS)
def test_what_is_no_address_is_an_error_that_says_why(source: str, reason: str) -> None:
    assert reason in error_of(source)


@pytest.mark.parametrize(("source", "reason"), REFUSED)
def test_addresses_are_typed(source: str, reason: str) -> None:
    assert reason in refusal_of(source).message
