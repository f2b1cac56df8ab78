"""Admission policies of every shape, and the objects that they are asked about: `data/admission`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from plumbline.defaults.rules import UNKNOWN_UID
from plumbline.dialects.loading import read_documents
from plumbline.evaluation import Evaluator
from plumbline.resources import Resource
from plumbline.results import Result
from tests.e2e.servers import SETTLING_SECONDS, Answer, ApiServer

DATA = Path(__file__).with_name("data")
Object = dict[str, Any]
_API = "admissionregistration.k8s.io/v1"
_OWN = ("name", "bindings", "refused", "refused_here", "accepted_here", "differs")
_EVERYTHING = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}


@dataclass(frozen=True)
class Scenario:
    """One policy with its bindings. `refused` names the field for which the server refuses it, `refused_here` what
    Plumbline alone says when it refuses it; with `accepted_here` only the server refuses it.
    `differs` says why Plumbline does not say the same, by object.
    """

    name: str
    spec: Object
    bindings: list[Object] = field(default_factory=lambda: [{}])
    refused: str | None = None
    refused_here: str | None = None
    accepted_here: bool = False
    differs: dict[str, str] = field(default_factory=dict)

    @property
    def documents(self) -> list[Object]:
        policy = {
            "apiVersion": _API,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": self.name},
            "spec": self.spec,
        }
        bindings = [
            {
                "apiVersion": _API,
                "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": f"{self.name}-{number}"},
                "spec": {"policyName": self.name, "validationActions": ["Warn"], **binding},
            }
            for number, binding in enumerate(self.bindings)
        ]
        return [policy, *bindings]


def scenarios() -> Iterator[Scenario]:
    for file in sorted((DATA / "admission").glob("*.yaml")):
        for item in yaml.safe_load(file.read_text()):
            own = {name: item.pop(name) for name in _OWN if name in item}
            match = item.pop("match", {"resourceRules": [_EVERYTHING]})
            own["name"] = f"{file.stem}-{own['name']}"
            yield Scenario(spec={"matchConstraints": match, **item}, **own)


@cache
def objects() -> list[Object]:
    found: list[Object] = yaml.safe_load((DATA / "objects.yaml").read_text())
    return found


@cache
def around() -> list[Object]:
    found: list[Object] = yaml.safe_load((DATA / "around.yaml").read_text())
    return found


def label(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{obj['kind']} {metadata.get('name') or metadata['generateName']}"


def ours(scenario: Scenario) -> dict[str, list[str]]:
    """By object, the messages of what fails and words in brackets for the rest; objects of which nothing is said are
    left out. Raises AssertionError when the policy is refused.
    """
    stored = around()
    loaded = read_documents([Resource(item) for item in (*scenario.documents, *stored)])
    assert loaded.problems == [], loaded.problems
    evaluator = Evaluator(loaded.policies)
    asked = objects()
    evaluator.survey(Resource(item) for item in (*asked, *stored))
    said = {}
    for obj in asked:
        texts = {_text(result) for result in evaluator.evaluate(Resource(obj)) if result.status != "pass"}
        if scenario.spec.get("failurePolicy") == "Ignore":  # the server lets pass what it cannot evaluate
            texts.discard(_ERROR)
        if texts:
            said[label(obj)] = sorted(texts)
    return said


def _text(result: Result) -> str:
    if result.status != "fail":
        return f"({result.status})"
    return _PARAMETERS if "to take parameters from" in result.message else result.message


_ERROR = "(error)"
# More at once, and the warnings about one object do not fit into the headers of one answer any more.
POLICIES_AT_ONCE = 4
_PARAMETERS = "(no parameters)"
_GENERATED = re.compile(r"(run-)[a-z0-9]{5}")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def theirs(answer: Answer, policy: str) -> list[str]:
    """The same of what the server says."""
    texts = set()
    if "no params found" in answer.message and f"'{policy}'" in answer.message:
        texts.add(_PARAMETERS)
    for text in answer.warnings.get(policy, []):
        if "resulted in error" in text or text.startswith(("failed to", "error")):
            texts.add(_ERROR)
        else:
            texts.add(_UID.sub(UNKNOWN_UID, _GENERATED.sub(r"\1xxxxx", text)))
    return sorted(texts)


def ask(api: ApiServer, asked: list[Scenario]) -> dict[str, dict[str, list[str]]]:
    """What the server says, as `ours` says it; for a policy that it refuses, under `refused` why."""
    stored = around()
    definitions = [item for item in stored if item["kind"] == "CustomResourceDefinition"]
    assert not api.apply(*definitions)
    tried = objects()
    api.wait_for([*stored, *tried])
    assert not api.apply(*(item for item in stored if item not in definitions))
    said: dict[str, dict[str, list[str]]] = {}
    for start in range(0, len(asked), POLICIES_AT_ONCE):
        batch = asked[start : start + POLICIES_AT_ONCE]
        refused = {scenario.name: api.apply(*scenario.documents).get(scenario.name) for scenario in batch}
        time.sleep(SETTLING_SECONDS)
        answers = list(zip(map(label, tried), api.try_all(tried), strict=True))
        for scenario in batch:
            why = refused[scenario.name]
            found = {name: theirs(answer, scenario.name) for name, answer in answers}
            said[scenario.name] = {"refused": [why]} if why else {name: texts for name, texts in found.items() if texts}
        api.delete(*(document for scenario in batch for document in scenario.documents))
    return said
