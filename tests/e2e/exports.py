"""The library exported as admission policies, asked about the library's own test cases."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plumbline.dialects.admission.reviews import creation_of
from plumbline.evaluation import Evaluator
from plumbline.exports import InexpressibleError, export_policy
from plumbline.kinds import is_namespaced, plural
from plumbline.library import library_policies
from plumbline.policies import Policy
from plumbline.resources import Resource
from tests.e2e.manifests import cases_of, completed
from tests.e2e.servers import SETTLING_SECONDS, Answer, ApiServer

Object = dict[str, Any]
# More at once, and the warnings about one object do not fit into the headers of one answer any more.
POLICIES_AT_ONCE = 16
# About these the API server asks no admission policy.
_EXEMPT = "AdmissionPolicy"

# Policy and case of which the server says something else, and why.
DIFFERS = {
    ("deprecated-fields", "topology keys fail"): "the server drops fields that it does not know before it asks",
    ("flux-helm-remediation", "a text is an error"): "to the server an optional field of a text is absent",
    (
        "flux-impersonation",
        "a manifest without a namespace cannot be judged and passes",
    ): "the server puts the object into a namespace, which only it knows to be of that kind",
}


@dataclass(frozen=True)
class Case:
    """A test case of the library as the API server can be asked about it."""

    policy: Policy
    name: str
    object: Object
    params: Object | None

    @property
    def documents(self) -> list[Object]:
        """The policy with these parameters, named so that no other has its name."""
        policy, binding = export_policy(self.policy, "vap", self.params, "warn")
        suffix = hashlib.sha256(json.dumps(self.params, sort_keys=True).encode()).hexdigest()[:6]
        name = policy["metadata"]["name"] = binding["metadata"]["name"] = f"{self.policy.id}-{suffix}"
        binding["spec"]["policyName"] = name
        return [policy, binding]

    @property
    def digest(self) -> str:
        """Of the question: an answer to another one is none."""
        question = [self.object, [document["spec"] for document in self.documents]]
        return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:12]


def cases() -> Iterator[Case]:
    """Every test case whose policy can be exported and whose object the API server may take."""
    for policy in library_policies():
        for case in cases_of(policy):
            obj = completed(case["object"])
            if obj is None or _EXEMPT in obj["kind"]:
                continue
            found = Case(policy, case["name"], obj, case.get("params"))
            try:
                assert found.documents
            except InexpressibleError:
                continue
            yield found


def ours(case: Case) -> tuple[str, list[str]]:
    """`fail`, `error` or `ok`, and the messages of what fails, of the object as the API server completes it."""
    obj = creation_of(Resource(case.object), ()).object
    evaluator = Evaluator([case.policy], {case.policy.id: case.params} if case.params else {})
    results = evaluator.evaluate(Resource(obj))
    statuses = {result.status for result in results}
    verdict = next((status for status in ("fail", "error") if status in statuses), "ok")
    failed = [result.message for result in results if result.status == "fail"]
    return verdict, sorted({part.strip() for text in failed for part in text.split("; ")})


def theirs(answer: Answer, policy: str) -> tuple[str, list[str]]:
    """The same of what the API server says."""
    texts = answer.warnings.get(policy, [])
    failed = [text for text in texts if "resulted in error" not in text and not text.startswith("failed to")]
    verdict = "fail" if failed else "error" if texts else "ok"
    return verdict, sorted({part.strip() for text in failed for part in text.split("; ")})


def ask(api: ApiServer, asked: list[Case]) -> dict[str, dict[str, list[Any]]]:
    """The server's answers by policy and name of the case: the digest, the verdict, messages. Cases that the server
    takes for no object are left out. Raises AssertionError for a policy that it refuses or whose types it warns of.
    """
    by_policy: dict[str, list[Case]] = {}
    for case in _prepare(api, asked):
        by_policy.setdefault(case.policy.id, []).append(case)
    names = sorted(by_policy)
    answers: dict[str, dict[str, list[Any]]] = {}
    for start in range(0, len(names), POLICIES_AT_ONCE):
        batch = [case for name in names[start : start + POLICIES_AT_ONCE] for case in by_policy[name]]
        for case, answer in zip(batch, _ask_batch(api, batch), strict=True):
            if answer.is_allowed:
                said = theirs(answer, case.documents[0]["metadata"]["name"])
                answers.setdefault(case.policy.id, {})[case.name] = [case.digest, *said]
    return answers


def _ask_batch(api: ApiServer, batch: list[Case]) -> list[Answer]:
    documents = {(item["kind"], item["metadata"]["name"]): item for case in batch for item in case.documents}
    refused = api.apply(*documents.values())
    assert not refused, refused
    time.sleep(SETTLING_SECONDS)
    answers = api.try_all([case.object for case in batch])
    policies = [name for kind, name in documents if kind == "ValidatingAdmissionPolicy"]
    warned = {name: found for name in policies if (found := api.type_warnings(name))}
    api.delete(*documents.values())
    assert not warned, warned
    return answers


def _prepare(api: ApiServer, asked: list[Case]) -> list[Case]:
    """Serve the kinds and make the namespaces of the cases; those that can be asked about."""
    unknown = [case.object for case in asked if not api.knows(case.object) and api.can_define(case.object)]
    api.define({kind_of(obj) for obj in unknown})
    names = {case.object["metadata"].get("namespace") for case in asked}
    for name in sorted(name for name in names if isinstance(name, str) and name):
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return [case for case in asked if api.knows(case.object)]


def kind_of(obj: Object) -> tuple[str, str, str, bool]:
    group, kind = obj["apiVersion"].rpartition("/")[0], obj["kind"]
    return obj["apiVersion"], kind, plural(kind), is_namespaced(group, kind, obj)
