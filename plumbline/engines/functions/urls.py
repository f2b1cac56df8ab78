"""URLs as the API server reads them: absolute, or a path from the root."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from plumbline.engines.functions.addresses import address_in_brackets
from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare

_ALWAYS = "-A-Za-z0-9._~"
_IN_HOST = _ALWAYS + r"!$&'()*+,;=:\[\]<>\""
_IN_PATH = _ALWAYS + "$&+,/:;=@"
_IN_FRAGMENT = _ALWAYS + "$&+,/:;=?@!()*"
_IN_USER = _ALWAYS + "$&+,;="
_KEPT = r"!$&'()*+,;=:@\[\]%"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_ASCII_ESCAPE = re.compile(r"%(?!25)[0-7][0-9A-Fa-f]")
_PORT = re.compile(r"(?::[0-9]*)?")
_USER = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_TAG = "url:"


@dataclass(frozen=True, slots=True)
class URL:
    """The parts of a URL; `text` is how it would be printed. Each character stands for a byte."""

    scheme: str
    host: str
    path: str
    query: str
    text: str


@lru_cache(maxsize=4096)
def _parse(text: str) -> URL:
    """Raises FunctionError unless `text` is a URL."""
    raw = text.encode().decode("latin-1")
    try:
        _parts(raw)
        before, _, fragment = raw.partition("#")
        return _parts(before, fragment, with_host=not before.startswith("///"))
    except ValueError as error:
        raise FunctionError(f"{text[:60]!r} is not a URL: {error}") from error


def _parts(raw: str, fragment: str = "", *, with_host: bool = False) -> URL:
    """Raises ValueError. `with_host`: what begins with two slashes names a host, without a scheme, too."""
    if _CONTROL.search(raw):
        raise ValueError("it has a control character")
    if not raw:
        raise ValueError("it is empty")
    scheme, rest = _without_scheme(raw)
    before, mark, query = rest.partition("?")
    tail = mark + query + ("#" + _printed(fragment, _IN_FRAGMENT) if fragment else "")
    if raw == "*" or (scheme and not before.startswith("/")):
        path = raw if raw == "*" else ""
        return URL(scheme, "", path, query, f"{scheme}:{before}{tail}" if scheme else raw)
    if not before.startswith("/"):
        raise ValueError("it has neither a scheme nor a path from the root")
    if (scheme or with_host) and before.startswith("//"):
        authority, slash, behind = before[2:].partition("/")
        user, host = _authority(scheme, authority)
        path = _printed(slash + behind, _IN_PATH)
        start = "//" if host or path or user is not None else ""
        shown = ("" if user is None else user + "@") + _escaped(host, _IN_HOST)
        return URL(scheme, host, path, query, f"{scheme and scheme + ':'}{start}{shown}{path}{tail}")
    path = _printed(before, _IN_PATH)
    return URL(scheme, "", path, query, f"{scheme}:{path}{tail}" if scheme else path + tail)


def _without_scheme(raw: str) -> tuple[str, str]:
    if raw.startswith(":"):
        raise ValueError("the scheme is missing")
    found = _SCHEME.match(raw)
    return (found[1].lower(), raw[found.end() :]) if found else ("", raw)


def _authority(scheme: str, authority: str) -> tuple[str | None, str]:
    """The user as printed, None when there is none, and the host with its port."""
    user, at, host = authority.rpartition("@")
    host = _host(scheme, host)
    if not at:
        return None, host
    if not _USER.fullmatch(user):
        raise ValueError("a character that the user's name cannot have")
    name, colon, password = user.partition(":")
    shown = _escaped(_unescaped(name), _IN_USER)
    return (f"{shown}:{_escaped(_unescaped(password), _IN_USER)}" if colon else shown), host


def _host(scheme: str, host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise ValueError("a bracket inside the host")
    if bracket == 0:
        return _bracketed(host)
    first, last = host.find(":"), host.rfind(":")
    colon = first if scheme in ("http", "https") else last
    if colon >= 0 and not _PORT.fullmatch(host[colon:]):
        raise ValueError(f"{host[colon:][:20]!r} is not a port")
    return _unescaped_host(host)


def _bracketed(host: str) -> str:
    end = host.rfind("]")
    if end < 0:
        raise ValueError("a bracket of the host is not closed")
    if not _PORT.fullmatch(host[end + 1 :]):
        raise ValueError(f"{host[end + 1 :][:20]!r} is not a port")
    inside = host[1:end]
    address, zoned, zone = inside.partition("%25")
    name = _unescaped_host(address) + (_zone("%25" + zone) if zoned else "")
    if not address_in_brackets(name):
        raise ValueError("only an IPv6 address can stand in brackets")
    return f"[{name}]{host[end + 1 :]}"


def _unescaped_host(host: str) -> str:
    if _ASCII_ESCAPE.search(host) or re.search(f"[^{_IN_HOST}%\x80-\xff]", host):
        raise ValueError("a character that a host name cannot have")
    return _unescaped(host)


def _zone(zone: str) -> str:
    """Anything that a host may be written with, and a space, can be escaped here."""
    allowed = re.compile(f"[{_IN_HOST} %\x80-\xff]*")
    plain = _unescaped(zone)
    if not allowed.fullmatch(zone.replace(" ", "\0")) or not allowed.fullmatch(plain):
        raise ValueError("a character that a zone cannot have")
    return plain


def _unescaped(text: str) -> str:
    broken = _BROKEN_ESCAPE.search(text)
    if broken:
        raise ValueError(f"{broken[0]!r} is not an escape of two hexadecimal digits")
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def _escaped(text: str, allowed: str) -> str:
    return re.sub(f"[^{allowed}]", lambda found: f"%{ord(found[0]):02X}", text)


def _printed(text: str, allowed: str) -> str:
    """`text` as it is when its escapes are valid, else escaped anew."""
    plain = _unescaped(text)
    return text if not re.search(f"[^{allowed}{_KEPT}]", text) else _escaped(plain, allowed)


def _text(raw: str) -> str:
    return raw.encode("latin-1").decode("utf-8", "replace")


def _of(stand_in: bytearray) -> URL:
    text = stand_in.decode(errors="replace")
    if not text.startswith(_TAG):
        raise FunctionError("no such overload: the value is not a URL")
    return _parse(text.removeprefix(_TAG))


def url(text: str) -> bytearray:
    return bytearray((_TAG + _text(_parse(text).text)).encode())


def is_url(text: str) -> bool:
    try:
        _parts(text.encode().decode("latin-1"))
    except ValueError:
        return False
    return True


def scheme(address: bytearray) -> str:
    return _text(_of(address).scheme)


def host(address: bytearray) -> str:
    """With the port, if there is one."""
    return _text(_of(address).host)


def _split(host: str) -> tuple[str, str]:
    colon = host.rfind(":")
    name, port = (host[:colon], host[colon + 1 :]) if colon >= 0 and _PORT.fullmatch(host[colon:]) else (host, "")
    return (name[1:-1] if name.startswith("[") and name.endswith("]") else name), port


def hostname(address: bytearray) -> str:
    """Without port and brackets."""
    return _text(_split(_of(address).host)[0])


def port(address: bytearray) -> str:
    return _split(_of(address).host)[1]


def escaped_path(address: bytearray) -> str:
    return _text(_of(address).path)


def query(address: bytearray) -> dict[str, list[str]]:
    """Each key with all its values. What is malformed is left out."""
    found: dict[str, list[str]] = {}
    for part in _of(address).query.split("&"):
        key, _, value = part.partition("=")
        if not part or ";" in part or _BROKEN_ESCAPE.search(part):
            continue
        name = _text(_unescaped(key.replace("+", " ")))
        found.setdefault(name, []).append(_text(_unescaped(value.replace("+", " "))))
    return found


_U = "kubernetes.URL"

FUNCTIONS = (
    *declare(url, f"url(string) -> {_U}"),
    *declare(is_url, "isURL(string) -> bool"),
    *declare(scheme, f"<{_U}>.getScheme() -> string"),
    *declare(host, f"<{_U}>.getHost() -> string"),
    *declare(hostname, f"<{_U}>.getHostname() -> string"),
    *declare(port, f"<{_U}>.getPort() -> string"),
    *declare(escaped_path, f"<{_U}>.getEscapedPath() -> string"),
    *declare(query, f"<{_U}>.getQuery() -> map<string, list<string>>"),
)
