"""ConstraintTemplates: what a kind of constraint asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from plumbline.dialects.documents import check_schema
from plumbline.dialects.gatekeeper.parameters import ParameterSchema
from plumbline.engines.rego.errors import RegoError
from plumbline.engines.rego.linking import Linked, Module, link
from plumbline.engines.rego.safety import foreign_data
from plumbline.policies import PolicyError
from plumbline.resources import Resource

TARGET: Final = "admission.k8s.gatekeeper.sh"
RULE: Final = "violation"
CEL_ENGINE: Final = "K8sNativeValidation"
REGO_ENGINE: Final = "Rego"


@dataclass(frozen=True, slots=True)
class Template:
    """Either `rego` or `cel` (the source of a K8sNativeValidation) is given."""

    document: Resource
    kind: str
    parameters: ParameterSchema
    title: str | None
    description: str | None
    rego: Linked | None
    cel: Mapping[str, Any] | None


def parse_template(document: Resource) -> Template:
    """Raises PolicyError with the field, for Rego with the line of the module."""
    check_schema(document, "gatekeeper-constraint-template")
    spec = document.object["spec"]
    crd = spec["crd"]["spec"]
    kind = crd["names"]["kind"]
    if document.name != kind.lower():
        raise PolicyError(f"must be {kind.lower()}, the kind in lower case", field="metadata.name")
    targets = [target for target in spec["targets"] if target["target"] == TARGET]
    if len(spec["targets"]) != 1 or not targets:
        raise PolicyError(f"there must be one target, {TARGET}", field="spec.targets")
    notes = document.object["metadata"].get("annotations") or {}
    cel, rego = _code(targets[0])
    return Template(
        document=document,
        kind=kind,
        parameters=ParameterSchema((crd.get("validation") or {}).get("openAPIV3Schema")),
        title=notes.get("metadata.gatekeeper.sh/title"),
        description=notes.get("description"),
        rego=_linked(rego) if rego is not None and cel is None else None,
        cel=cel,
    )


def _code(target: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """The sources in CEL and in Rego: as Gatekeeper does, CEL is preferred where a template brings both."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in target.get("code") or ():
        if item["engine"] not in (CEL_ENGINE, REGO_ENGINE):
            raise PolicyError(f"there is no engine {item['engine']} here", field="spec.targets[0].code")
        found.setdefault(item["engine"], item["source"])
    if target.get("rego"):
        found.setdefault(REGO_ENGINE, {"rego": target["rego"], "libs": target.get("libs")})
    if not found:
        raise PolicyError("has neither rego nor code", field="spec.targets[0]")
    return found.get(CEL_ENGINE), found.get(REGO_ENGINE)


def _linked(source: Mapping[str, Any]) -> Linked:
    text = source.get("rego")
    if not isinstance(text, str) or not text.strip():
        raise PolicyError("is missing", field="spec.targets[0].rego")
    libs: Sequence[str] = source.get("libs") or ()
    version = source.get("version") or "v0"
    if version not in ("v0", "v1"):
        raise PolicyError(f"must be v0 or v1, not {version}", field="spec.targets[0].code.source.version")
    is_v1 = version == "v1"
    modules = [Module("rego", text, is_v1)]
    modules.extend(Module(f"libs[{index}]", item, is_v1) for index, item in enumerate(libs))
    try:
        linked = link(modules)
        _check(linked)
    except RegoError as error:
        raise PolicyError(_said(error), field=f"spec.targets[0].{error.module or 'rego'}") from error
    return linked


def _check(linked: Linked) -> None:
    if not any(rule.name == RULE for rule in linked.trees[0].rules):
        raise RegoError(f"has no rule {RULE}", module="rego")
    for name, tree in zip(linked.names[1:], linked.trees[1:], strict=True):
        if name.startswith("libs") and tree.package[0] != "lib":
            raise RegoError(f"must be of a package below lib, not {'.'.join(tree.package)}", module=name, line=1)
    foreign_data(linked, ("inventory", "lib"))


def _said(error: RegoError) -> str:
    return str(error).removeprefix(f"{error.module}: ")
