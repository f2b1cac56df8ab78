"""URLs are taken apart as by the API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plumbline.engines.evaluations import error_of, value_of

VALUES: list[tuple[str, Any]] = [
    ("url('HTTPS://shop.example:8443/a/b?x=1#top').getScheme()", "https"),
    ("url('https://shop.example:8443/a').getHost()", "shop.example:8443"),
    ("url('https://shop.example:8443/a').getHostname()", "shop.example"),
    ("url('https://shop.example:8443/a').getPort()", "8443"),
    ("url('https://shop.example/a').getPort()", ""),
    ("url('https://user:secret@shop.example/').getHost()", "shop.example"),
    ("url('https://[2001:db8::1]:443/').getHost()", "[2001:db8::1]:443"),
    ("url('https://[2001:db8::1]:443/').getHostname()", "2001:db8::1"),
    ("url('https://[fe80::1%25eth0]/').getHostname()", "fe80::1%eth0"),
    ("url('/just/a/path').getHost()", ""),
    ("url('//shop.example/a').getHost()", "shop.example"),
    ("url('mailto:ops@shop.example').getScheme()", "mailto"),
    ("url('https://shop.example/a b/ü').getEscapedPath()", "/a%20b/%C3%BC"),
    ("url('https://shop.example/a%2Fb').getEscapedPath()", "/a%2Fb"),
    ("url('https://shop.example').getEscapedPath()", ""),
    (
        "url('https://shop.example/?k=1&k=2&e=&f&g=a+b%21').getQuery()",
        {"k": ["1", "2"], "e": [""], "f": [""], "g": ["a b!"]},
    ),
    ("url('https://shop.example/?bad=%zz&a;b=1&ok=1').getQuery()", {"ok": ["1"]}),
    ("url('https://shop.example/?q=1#f=2').getQuery()", {"q": ["1"]}),
    ("url('https://shop.example/?').getQuery()", {}),
    ("url('http://shop.example/a') == url('HTTP://shop.example/a')", True),
    ("url('http://shop.example/a') == url('http://shop.example/b')", False),
    ("isURL('https://shop.example')", True),
    ("isURL('/healthz')", True),
    ("isURL('*')", True),
    ("isURL('shop.example/a')", False),
    ("isURL('../a')", False),
    ("isURL('')", False),
    ("isURL('://x')", False),
    ("isURL('https://shop.example:port/')", False),
    ("isURL('https://shop.example:80:80/')", False),
    ("isURL('https://shop example/')", False),
    ("isURL('https://%41.example/')", False),
    ("isURL('https://shop.example/%4')", False),
    ("isURL('https://[2001:db8::1/')", False),
    ("isURL('https://[192.0.2.1]/')", False),
    ("isURL('https://us er@shop.example/')", False),
    ("isURL('https://shop.example/\\n')", False),
]
ERRORS = [
    ("url('shop.example')", "neither a scheme nor a path from the root"),
    ("url('https://shop.example:port/')", "is not a port"),
    ("url('https://shop.example/#%zz')", "escape"),
    ("url('')", "empty"),
    ("url(object.empty)", "url"),
    ("dyn(ip('10.0.0.1')).getHost()", "not a URL"),
]


@pytest.mark.parametrize(("source", "value"), VALUES)
def test_urls_are_the_api_servers(source: str, value: Any) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize(("source", "reason"), ERRORS)
def test_what_is_no_url_is_an_error_that_says_why(source: str, reason: str) -> None:
    assert reason in error_of(source)
