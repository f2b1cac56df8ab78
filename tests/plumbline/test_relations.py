"""Policies that look at several objects."""

from typing import Any

import pytest

from plumbline.evaluation import Evaluator
from plumbline.policies import Policy, PolicyError, parse_policy
from plumbline.resources import Resource
from plumbline.results import Result


def policy(related: list[dict[str, Any]], expression: str, kinds: list[str]) -> Policy:
    return parse_policy(
        {
            "apiVersion": "plumbline.dev/v1",
            "kind": "Policy",
            "metadata": {"name": "looks-around"},
            "spec": {
                "title": "Looks around",
                "category": "reliability",
                "severity": "low",
                "why": "To see",
                "guidance": "Look",
                "match": {"kinds": kinds},
                "related": related,
                "rules": [
                    {"name": "look", "expression": expression, "path": "metadata.name", "message": "Nothing there"}
                ],
            },
        }
    )


def thing(kind: str, name: str, namespace: str | None = "shop", **fields: Any) -> Resource:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return Resource({"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields})


def deployment(name: str, labels: dict[str, str], namespace: str = "shop") -> Resource:
    return Resource(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"template": {"metadata": {"labels": labels}, "spec": {"containers": []}}},
        }
    )


def judged(subject: Resource, others: list[Resource], looks: Policy) -> list[Result]:
    evaluator = Evaluator([looks])
    evaluator.survey([subject, *others])
    return evaluator.evaluate(subject)


SERVICES = policy(
    [{"name": "services", "kinds": ["Service"], "selecting": "spec.selector"}],
    "size(related.services) > 0",
    ["workloads"],
)
WORKLOADS = policy(
    [{"name": "workloads", "kinds": ["workloads"], "selectedBy": "spec.selector"}],
    "size(related.workloads) > 0",
    ["Service"],
)
OWNERS = policy(
    [
        {
            "name": "owners",
            "kinds": ["ConfigMap"],
            "in": "cluster",
            "key": "object.metadata.name",
            "lookup": "object.spec.owners",
            "missing": "skip",
        }
    ],
    "related.owners.all(owner, owner.data.good == 'yes')",
    ["Service"],
)
NEIGHBOURS = policy(
    [{"name": "quotas", "kinds": ["ResourceQuota"]}], "size(related.quotas) == 1", ["Namespace", "Service"]
)


@pytest.mark.parametrize(
    ("namespace", "selector", "status"),
    [
        ("shop", {"app": "web"}, "pass"),
        ("shop", {"app": "web", "tier": "front"}, "fail"),
        ("other", {"app": "web"}, "fail"),
        ("shop", {}, "fail"),
        ("shop", None, "fail"),
    ],
)
def test_selecting_finds_what_selects_the_judged_pods(
    namespace: str, selector: dict[str, str] | None, status: str
) -> None:
    service = thing("Service", "web", namespace, spec={"selector": selector})

    results = judged(deployment("web", {"app": "web"}), [service], SERVICES)

    assert [result.status for result in results] == [status]


def test_selected_by_finds_the_workloads_that_the_judged_selector_selects() -> None:
    service = thing("Service", "web", spec={"selector": {"app": "web"}})

    found = judged(service, [deployment("web", {"app": "web"})], WORKLOADS)
    elsewhere = judged(service, [deployment("web", {"app": "web"}, "other")], WORKLOADS)

    assert [result.status for result in found + elsewhere] == ["pass", "fail"]


def test_keys_join_objects_by_what_both_sides_compute() -> None:
    service = thing("Service", "web", spec={"owners": ["ann", "bob"]})
    good = thing("ConfigMap", "ann", "people", data={"good": "yes"})
    bad = thing("ConfigMap", "bob", "people", data={"good": "no"})

    results = judged(service, [good, bad], OWNERS)

    assert [result.status for result in results] == ["fail"]


def test_a_required_object_that_is_not_there_gives_a_skip_that_names_it() -> None:
    service = thing("Service", "web", spec={"owners": ["ann", "eve"]})

    results = judged(service, [thing("ConfigMap", "ann", data={"good": "yes"})], OWNERS)

    assert [(result.status, result.message) for result in results] == [
        ("skip", "eve is not among the objects that were judged together")
    ]


def test_a_lookup_that_fails_gives_an_error_and_never_a_pass() -> None:
    results = judged(thing("Service", "web", spec={}), [], OWNERS)

    assert [result.status for result in results] == ["error"]
    assert "the lookup of related.owners" in results[0].message


def test_a_selector_that_the_api_server_would_refuse_gives_an_error() -> None:
    service = Resource(
        {
            "apiVersion": "example.com/v1",
            "kind": "Thing",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"selector": {"matchExpressions": [{"key": "app", "operator": "Near"}]}},
        }
    )
    looks = policy(
        [{"name": "workloads", "kinds": ["workloads"], "selectedBy": "spec.selector"}], "true", ["Thing"]
    )

    results = judged(service, [deployment("web", {"app": "web"})], looks)

    assert [result.status for result in results] == ["error"]
    assert "must be In, NotIn, Exists or DoesNotExist" in results[0].message


def test_an_object_without_a_key_does_not_keep_others_from_being_judged() -> None:
    nameless = Resource({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
    service = thing("Service", "web", spec={"owners": ["ann"]})

    results = judged(service, [nameless, thing("ConfigMap", "ann", data={"good": "yes"})], OWNERS)

    assert [result.status for result in results] == ["pass"]


def test_a_namespace_counts_as_in_itself() -> None:
    quota = thing("ResourceQuota", "limits", "shop")

    results = judged(thing("Namespace", "shop", None), [quota, thing("ResourceQuota", "limits", "other")], NEIGHBOURS)

    assert [result.status for result in results] == ["pass"]


def test_a_patch_does_not_hide_what_it_patches() -> None:
    service = thing("Service", "web", spec={"selector": {"app": "web"}})
    patch = deployment("web", {})

    results = judged(service, [deployment("web", {"app": "web"}), patch], WORKLOADS)

    assert [result.status for result in results] == ["pass"]


def test_verdicts_follow_the_set_and_are_not_remembered_across_sets() -> None:
    evaluator = Evaluator([SERVICES])
    web = deployment("web", {"app": "web"})
    evaluator.survey([web])
    before = evaluator.evaluate(web)
    evaluator.survey([web, thing("Service", "web", spec={"selector": {"app": "web"}})])

    after = evaluator.evaluate(web)

    assert [result.status for result in before + after] == ["fail", "pass"]


def test_an_undeclared_relation_is_refused_by_name() -> None:
    with pytest.raises(PolicyError, match=r"spec\.related: related\.budgets is not declared"):
        policy([], "size(related.budgets) == 0", ["Service"])
