"""Which documents a policy is made of: its own, and those that it was read together with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compliance.models import PolicyFormat
from plumbline.dialects.documents import policy_id
from plumbline.policies import Policy
from plumbline.resources import Resource

from .reading import Document

FORMATS: Mapping[str, PolicyFormat] = {
    "plumbline.dev": PolicyFormat.PLUMBLINE,
    "admissionregistration.k8s.io": PolicyFormat.ADMISSION,
    "policies.kyverno.io": PolicyFormat.KYVERNO,
    "constraints.gatekeeper.sh": PolicyFormat.GATEKEEPER,
    "pac.weave.works": PolicyFormat.WEAVE,
}
_TEMPLATES = "templates.gatekeeper.sh"


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """A policy with its own document and the others that its verdicts depend on."""

    policy: Policy
    document: Document
    others: tuple[Document, ...] = ()
    tests: dict[str, Any] | None = field(default=None)

    @property
    def format(self) -> PolicyFormat:
        return FORMATS[self.document.resource.group]

    @property
    def engine(self) -> str:
        return self.policy.judge.engine if self.policy.judge is not None else "CEL"

    @property
    def sources(self) -> list[dict[str, str]]:
        """As stored: its own document first."""
        return [
            {"file": d.file, "kind": d.resource.kind, "name": d.resource.name, "text": d.text}
            for d in (self.document, *self.others)
        ]


def matched(policies: Iterable[Policy], documents: Sequence[Document]) -> list[ReadPolicy]:
    """Each policy with its documents. One whose document is in no format that is known here is left out."""
    own: dict[tuple[str, str], Document] = {}
    for document in documents:
        if document.resource.group in FORMATS:
            for name in ids_of(document.resource):
                own.setdefault((document.file, name), document)
    found = [(policy, own.get((policy.file or "", policy.id))) for policy in policies]
    mains = {id(document) for _, document in found}
    others = [document for document in documents if id(document) not in mains]
    return [
        ReadPolicy(policy, document, tuple(other for other in others if _is_part(other.resource, document)))
        for policy, document in found
        if document is not None
    ]


def ids_of(resource: Resource) -> Iterator[str]:
    """The ids that a policy of this document may have: the second is that of a twin in another format."""
    name = resource.name
    if resource.group == "constraints.gatekeeper.sh":
        name = f"{resource.kind}-{name}"
    yield policy_id(name)
    yield policy_id(f"{policy_id(name)}-{resource.kind}")


def _is_part(other: Resource, document: Document) -> bool:
    """Whether another object decides what this policy says: a binding, a template, an exception, parameters."""
    main = document.resource
    spec = _map(other.object.get("spec"))
    if main.group == "constraints.gatekeeper.sh":
        names = _map(_map(_map(spec.get("crd")).get("spec")).get("names"))
        return other.group == _TEMPLATES and names.get("kind") == main.kind
    if main.group == "admissionregistration.k8s.io":
        if other.kind == "ValidatingAdmissionPolicyBinding":
            return bool(spec.get("policyName") == main.name)
        wanted = _map(_map(main.object.get("spec")).get("paramKind"))
        return (other.api_version, other.kind) == (wanted.get("apiVersion"), wanted.get("kind"))
    if main.group == "policies.kyverno.io":
        if other.kind == "PolicyException":
            references = spec.get("policyRefs")
            return isinstance(references, list) and any(_map(one).get("name") == main.name for one in references)
        # Expressions look objects up by name; which ones, only the text tells.
        return other.group not in FORMATS and bool(other.name) and other.name in document.text
    return False


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
