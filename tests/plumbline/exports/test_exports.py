"""Policies exported for other engines: the documents are judged by their own format's rules, here as anywhere."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.dialects.admission.reviews import creation_of
from plumbline.dialects.loading import read_documents
from plumbline.engines import environments
from plumbline.engines.trees import tree
from plumbline.evaluation import Evaluator
from plumbline.exports import FORMATS, InexpressibleError, export_policy
from plumbline.library import library_policies
from plumbline.policies import Policy, PolicyError, parse_policy
from plumbline.resources import Resource
from plumbline.results import Result

POLICIES = {policy.id: policy for policy in library_policies()}
# About these the API server asks no admission policy.
EXEMPT = {f"{name}AdmissionPolicy{part}" for name in ("Validating", "Mutating") for part in ("", "Binding")}


def expressible(policy: Policy) -> bool:
    try:
        export_policy(policy, "vap")
    except InexpressibleError:
        return False
    return True


EXPRESSIBLE = {name: policy for name, policy in POLICIES.items() if expressible(policy)}


def cases_of(policy: Policy) -> list[dict[str, Any]]:
    assert policy.file is not None
    cases: list[dict[str, Any]] = yaml.safe_load((Path(policy.file).parent / "tests.yaml").read_text())
    return cases


def results(policies: list[Policy], obj: dict[str, Any], params: dict[str, dict[str, Any]]) -> list[Result]:
    evaluator = Evaluator(policies, params)
    evaluator.survey([Resource(obj)])
    return evaluator.evaluate(Resource(obj))


def verdict(found: list[Result]) -> str:
    statuses = {result.status for result in found}
    return next((status for status in ("fail", "error", "skip", "pass") if status in statuses), "none")


def messages(found: list[Result]) -> set[str]:
    return {text.strip() for result in found if result.status == "fail" for text in result.message.split("; ")}


def created(obj: dict[str, Any]) -> dict[str, Any]:
    """The object as the API server would have it: in a namespace, and with the defaults of its kind."""
    return creation_of(Resource(obj), ()).object


@pytest.mark.parametrize("name", sorted(EXPRESSIBLE))
def test_an_admission_policy_gives_the_verdict_and_the_messages_of_its_policy(name: str) -> None:
    policy = POLICIES[name]
    compared = []
    for case in cases_of(policy):
        if case["expect"] == "error" or case["object"]["kind"] in EXEMPT:
            continue
        obj = created(case["object"])
        documents = export_policy(policy, "vap", case.get("params"))
        loaded = read_documents([Resource(document) for document in documents])
        assert loaded.problems == []
        ours = results([policy], obj, {name: case["params"]} if "params" in case else {})
        theirs = results(loaded.policies, obj, {})
        compared.append((case["name"], verdict(ours), messages(ours), verdict(theirs), messages(theirs)))

    assert compared
    assert [item for item in compared if item[1:3] != item[3:5]] == []


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", sorted(EXPRESSIBLE))
def test_every_format_has_documents_that_can_be_applied(name: str, form: str) -> None:
    documents = export_policy(POLICIES[name], form)

    assert all(document["metadata"]["name"] and document["spec"] for document in documents)
    assert yaml.safe_load(yaml.safe_dump(documents)) == documents


@pytest.mark.parametrize("name", sorted(name for name, policy in POLICIES.items() if policy.related))
@pytest.mark.parametrize("form", FORMATS)
def test_what_an_engine_cannot_express_is_said(name: str, form: str) -> None:
    with pytest.raises(InexpressibleError, match=name):
        export_policy(POLICIES[name], form)


def sources_of(document: dict[str, Any]) -> list[str]:
    spec = document["spec"]
    validations = spec["validations"]
    found = [item["expression"] for item in (*spec.get("variables", ()), *validations)]
    return [*found, *(item["messageExpression"] for item in validations if "messageExpression" in item)]


def mixed_lists(source: str) -> list[str]:
    """The types of each list written down in the source whose elements are not all of one type."""
    root = tree(environments.compile(source, ("oldObject",))[0].serialize())
    lists = ({str(child.type) for child in node.children} for node in root.walk() if node.kind == "list")
    return [" and ".join(sorted(types)) for types in lists if len(types) > 1]


@pytest.mark.parametrize("name", sorted(EXPRESSIBLE))
def test_no_list_is_mixed_which_api_servers_refuse(name: str) -> None:
    document = export_policy(POLICIES[name], "vap")[0]

    assert {source: found for source in sources_of(document) if (found := mixed_lists(source))} == {}


def test_a_mixed_list_is_found() -> None:
    assert mixed_lists("object.kind in ['Pod', object.x]")
    assert not mixed_lists("object.kind in ['Pod', string(object.x)] || [1, 2] == []")


def test_policies_that_tell_manifests_from_stored_objects_are_not_for_admission() -> None:
    with pytest.raises(InexpressibleError, match="own judges manifests"):
        export_policy(own("object.?metadata.?uid.hasValue()"), "vap")


def test_most_of_the_library_can_be_exported() -> None:
    assert len(EXPRESSIBLE) > 0.7 * len(POLICIES)


@pytest.mark.parametrize(
    ("enforcement", "actions", "action"),
    [("audit", ["Audit"], "dryrun"), ("warn", ["Warn"], "warn"), ("enforce", ["Deny"], "deny")],
)
def test_enforcement_says_what_the_engine_does(enforcement: str, actions: list[str], action: str) -> None:
    policy = POLICIES["privileged-container"]

    _, binding = export_policy(policy, "vap", None, enforcement)
    (kyverno,) = export_policy(policy, "kyverno", None, enforcement)
    _, constraint = export_policy(policy, "gatekeeper", None, enforcement)

    assert binding["spec"]["validationActions"] == kyverno["spec"]["validationActions"] == actions
    assert constraint["spec"]["enforcementAction"] == action


def test_parameters_are_written_into_the_documents_and_checked() -> None:
    policy = POLICIES["allowed-repos"]

    admission, _ = export_policy(policy, "vap", {"repos": ["registry.acme.example/"]})
    _, constraint = export_policy(policy, "gatekeeper", {"repos": ["registry.acme.example/"]})

    variables = {item["name"]: item["expression"] for item in admission["spec"]["variables"]}
    assert variables["parameters"] == "{'repos': dyn(['registry.acme.example/'])}"
    assert constraint["spec"]["parameters"] == {"repos": ["registry.acme.example/"]}
    with pytest.raises(PolicyError, match="repos"):
        export_policy(policy, "vap", {"repos": "registry.acme.example/"})


def own(expression: str, **match: Any) -> Policy:
    return parse_policy(
        {
            "apiVersion": "plumbline.dev/v1",
            "kind": "Policy",
            "metadata": {"name": "own"},
            "spec": {
                "title": "Own policy",
                "category": "metadata",
                "severity": "low",
                "why": "To see",
                "guidance": "Look",
                "match": {"kinds": ["ConfigMap"], **match},
                "rules": [
                    {"name": "look", "expression": expression, "path": "", "message": "Own 'message' of {object.kind}"}
                ],
            },
        }
    )


def test_excluded_namespaces_become_conditions() -> None:
    policy = own("false", namespaces={"exclude": ["kube-*"]})
    documents = export_policy(policy, "vap")
    loaded = read_documents([Resource(document) for document in documents])

    def config_map(namespace: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}}

    assert results(loaded.policies, config_map("kube-system"), {}) == []
    assert messages(results(loaded.policies, config_map("shop"), {})) == {"Own 'message' of ConfigMap"}


def test_functions_that_no_api_server_knows_are_named() -> None:
    with pytest.raises(InexpressibleError, match=r"own uses math\.greatest, which no API server knows"):
        export_policy(own("math.greatest([1, 2]) == 2"), "vap")


def test_a_comment_at_the_end_of_an_expression_does_not_swallow_what_follows() -> None:
    policy = own("object.kind == 'Secret' // as it should be")
    loaded = read_documents([Resource(document) for document in export_policy(policy, "vap")])

    assert loaded.problems == []
    assert verdict(results(loaded.policies, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, {})) == "fail"
