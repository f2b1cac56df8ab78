"""What Kyverno makes of a policy on pods: the same question asked of the pod template of what owns them.

The rules are Kyverno's: which policies it does so for, which kinds, and that `object.metadata.namespace` stays what it
is (https://kyverno.io/docs/policy-types/validating-policy/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from plumbline.engines.expressions import LITERAL

Spec = Mapping[str, Any]
_FIELD: Final = re.compile(
    rf"{LITERAL}|(?<![\w.])(?P<object>object|oldObject)\.(?P<optional>\??)(?P<field>spec|metadata)\b(?!\.namespace\b)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Family:
    """Kinds that keep the pod template at the same place."""

    template: str
    resources: Mapping[str, tuple[str, str]]  # the plural → group and version


FAMILIES: Final = (
    Family(
        "spec.template",
        {
            "daemonsets": ("apps", "v1"),
            "deployments": ("apps", "v1"),
            "jobs": ("batch", "v1"),
            "replicasets": ("apps", "v1"),
            "statefulsets": ("apps", "v1"),
        },
    ),
    Family("spec.jobTemplate.spec.template", {"cronjobs": ("batch", "v1")}),
)


def generated(spec: Spec) -> Iterator[dict[str, Any]]:
    """The policy's spec for each family of controllers that it is meant for; none unless it is about pods alone."""
    if not _is_about_pods(spec["matchConstraints"]):
        return
    chosen = ((spec.get("autogen") or {}).get("podControllers") or {}).get("controllers")
    for family in FAMILIES:
        resources = [name for name in family.resources if chosen is None or name in chosen]
        if resources:
            yield _for_family(spec, family, resources)


def _is_about_pods(match: Spec) -> bool:
    rules = match.get("resourceRules") or []
    selector = match.get("objectSelector") or {}
    return (
        len(rules) == 1
        and not any(selector.values())
        and not match.get("excludeResourceRules")
        and not rules[0].get("resourceNames")
        and rules[0]["apiGroups"] == [""]
        and rules[0]["apiVersions"] == ["v1"]
        and rules[0]["resources"] == ["pods"]
    )


def _for_family(spec: Spec, family: Family, resources: list[str]) -> dict[str, Any]:
    match = spec["matchConstraints"]
    operations = match["resourceRules"][0]["operations"]
    by_group: dict[tuple[str, str], list[str]] = {}
    for name in resources:
        by_group.setdefault(family.resources[name], []).append(name)
    rules = [
        {"apiGroups": [group], "apiVersions": [version], "operations": operations, "resources": names}
        for (group, version), names in by_group.items()
    ]
    moved: dict[str, Any] = _moved(dict(spec), family.template)
    return {
        **moved,
        "matchConstraints": {"resourceRules": rules, "namespaceSelector": match.get("namespaceSelector")},
    }


def _moved(value: Any, template: str) -> Any:
    """The same with every expression in it about the pod template."""
    if isinstance(value, dict):
        return {
            key: _rewritten(item, template) if key.lower().endswith("expression") else _moved(item, template)
            for key, item in value.items()
        }
    return [_moved(item, template) for item in value] if isinstance(value, list) else value


def _rewritten(source: Any, template: str) -> Any:
    if not isinstance(source, str):
        return source

    def replace(found: re.Match[str]) -> str:
        if not found["field"]:
            return found[0]
        path = f"{template}.{found['field']}"
        optional = found["optional"]
        return f"{found['object']}.{optional}{path.replace('.', '.?') if optional else path}"

    return _FIELD.sub(replace, source)
