"""Named formats of Kubernetes: `format.dns1123Label().validate(name)`, with the API server's messages.

`validate` and `format.named` yield optionals, which a function in Python cannot make: it yields a map with one entry
or none, of which `plumbline.engines.rewriting` selects the entry optionally.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

from plumbline.engines.functions.urls import is_url
from plumbline.engines.references import FunctionError
from plumbline.engines.signatures import declare

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_ALPHANUMERIC = "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:.[0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_TAG = b"format:"


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value, re.ASCII) is not None


def _too_long(value: str, limit: int, unit: str = "characters") -> list[str]:
    return [f"must be no more than {limit} {unit}"] if len(value.encode()) > limit else []


def _mismatch(rule: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"


def _label(value: str) -> list[str]:
    if _matches(_LABEL, value):
        return _too_long(value, 63)
    rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start"
    problem = _mismatch(f"{rule} and end with an alphanumeric character", _LABEL, "my-name", "123-abc")
    return [*_too_long(value, 63), "must not contain dots" if _matches(_SUBDOMAIN, value) else problem]


def _subdomain(value: str, unit: str = "characters") -> list[str]:
    if _matches(_SUBDOMAIN, value):
        return _too_long(value, 253, unit)
    rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must"
    problem = _mismatch(f"{rule} start and end with an alphanumeric character", _SUBDOMAIN, "example.com")
    return [*_too_long(value, 253, unit), problem]


def _label_1035(value: str) -> list[str]:
    if _matches(_LABEL_1035, value):
        return _too_long(value, 63)
    rule = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic"
    problem = _mismatch(f"{rule} character, and end with an alphanumeric character", _LABEL_1035, "my-name", "abc-123")
    return [*_too_long(value, 63), problem]


def _qualified_name(value: str) -> list[str]:
    rule = _mismatch(f"must consist of {_ALPHANUMERIC}", _NAME, "MyName", "my.name", "123-abc")
    if value.count("/") > 1:
        return [f"a valid label key {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    prefix, slash, name = value.rpartition("/")
    problems = []
    if slash:
        problems = ["must be non-empty"] if not prefix else _subdomain(prefix, "bytes")
    found = [f"prefix part {problem}" for problem in problems]
    found += [f"name part {problem}" for problem in (_too_long(name, 63, "bytes") if name else ["must be non-empty"])]
    return found if _matches(_NAME, name) else [*found, f"name part {rule}"]


def _label_value(value: str) -> list[str]:
    if not value or _matches(_NAME, value):
        return _too_long(value, 63, "bytes")
    rule = f"a valid label must be an empty string or consist of {_ALPHANUMERIC}"
    return [*_too_long(value, 63, "bytes"), _mismatch(rule, f"({_NAME})?", "MyValue", "my_value", "12345")]


def _prefix(check: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """For what a name is to begin with: a dash at its end is allowed, and counts with what is before it as a letter."""

    def checked(value: str) -> list[str]:
        return check(value[:-2] + "a" if len(value) > 1 and value.endswith("-") else value)

    return checked


def _flag(is_valid: Callable[[str], bool], problem: str) -> Callable[[str], list[str]]:
    return lambda value: [] if is_valid(value) else [problem]


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        datetime.date.fromisoformat(value.replace("0000-", "2000-", 1))  # Python has no year 0, which is a leap year
    except ValueError:
        return False
    return True


def _is_datetime(value: str) -> bool:
    parts = value.lower().split("t")
    found = _TIME.fullmatch(parts[1]) if len(parts) > 1 and _is_date(parts[0]) else None
    return found is not None and found[1] <= "23" and found[2] <= "59" and found[3] <= "59"


_FORMATS: dict[str, Callable[[str], list[str]]] = {
    "dns1123Label": _label,
    "dns1123Subdomain": _subdomain,
    "dns1035Label": _label_1035,
    "qualifiedName": _qualified_name,
    "dns1123LabelPrefix": _prefix(_label),
    "dns1123SubdomainPrefix": _prefix(_subdomain),
    "dns1035LabelPrefix": _prefix(_label_1035),
    "labelValue": _label_value,
    "uri": _flag(is_url, "invalid URI"),
    "uuid": _flag(lambda value: _UUID.fullmatch(value) is not None, "does not match the UUID format"),
    "byte": _flag(lambda value: _BASE64.fullmatch(value) is not None, "invalid base64"),
    "date": _flag(_is_date, "invalid date"),
    "datetime": _flag(_is_datetime, "invalid datetime"),
}


def _stand_in(name: str) -> bytearray:
    return bytearray(_TAG + name.encode())


def _constant(name: str) -> Callable[[], bytearray]:
    return lambda: _stand_in(name)


def named(name: str) -> dict[str, bytearray]:
    """The format under the key `format`, or nothing."""
    return {"format": _stand_in(name)} if name in _FORMATS else {}


def validate(format: bytearray, value: str) -> dict[str, list[str]]:
    """What is wrong with `value` under the key `errors`, or nothing."""
    check = _FORMATS.get(format.removeprefix(_TAG).decode(errors="replace")) if format.startswith(_TAG) else None
    if check is None:
        raise FunctionError("no such overload: the value is not a named format")
    errors = check(value)
    return {"errors": errors} if errors else {}


_F = "kubernetes.NamedFormat"

FUNCTIONS = (
    *(overload for name in _FORMATS for overload in declare(_constant(name), f"format.{name}() -> {_F}")),
    *declare(named, f"format.name_(string) -> map<string, {_F}>"),
    *declare(validate, f"<{_F}>.validat_(string) -> map<string, list<string>>"),
)
DECLARED = (
    *declare(named, f"format.named(string) -> optional_type<{_F}>"),
    *declare(validate, f"<{_F}>.validate(string) -> optional_type<list<string>>"),
)
"""What authors write: checked as it is, and rewritten to the functions above to be run."""
