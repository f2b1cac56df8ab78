"""The manifests of the demo fleet: enough of them, varied, and valid enough for an API server to take."""

import json
from collections import Counter

import pytest
import yaml

from examples.history import reference
from examples.replay import CLUSTERS, FLEET, manifests
from plumbline.manifests import LoadError, load

FILES = sorted(path for cluster in CLUSTERS for path in (FLEET / cluster).rglob("*") if path.is_file())
WORKLOADS = {
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "Pod",
    "ReplicationController",
}
CLUSTER_SCOPED = {
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "StorageClass",
    "PriorityClass",
    "IngressClass",
    "ClusterIssuer",
}


class UniqueKeyLoader(yaml.SafeLoader):
    """Refuses what PyYAML lets pass: a key written twice in one mapping."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"duplicate key {node.start_mark}"
        return super().construct_mapping(node, deep)


@pytest.fixture(scope="module")
def fleet():
    return {cluster: manifests(cluster) for cluster in CLUSTERS}


@pytest.fixture(scope="module")
def resources(fleet):
    return [resource for objects in fleet.values() for resource in objects]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FLEET)))
def test_every_document_parses_and_says_what_it_is(path):
    documents = list(yaml.load_all(path.read_text(), UniqueKeyLoader))
    assert documents
    assert all({"apiVersion", "kind"} <= set(document) for document in documents)


def test_json_files_are_json_to_a_json_parser_too():
    paths = [path for path in FILES if path.suffix == ".json"]
    assert [json.loads(path.read_text())["kind"] for path in paths] == ["List"]


def test_fleet_is_large_and_varied(fleet, resources):
    assert len(resources) >= 150
    assert len({resource["kind"] for resource in resources}) >= 15
    assert min(len(objects) for objects in fleet.values()) >= 30


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_plumbline_reads_the_same_objects_without_complaint(fleet, cluster):
    loaded = list(load([str(FLEET / cluster)]))
    assert [error for error in loaded if isinstance(error, LoadError)] == []
    assert [resource.object for resource in loaded] == fleet[cluster]


def test_history_and_readme_are_no_manifests_to_plumbline(resources):
    assert len(list(load([str(FLEET)]))) == len(resources)


def test_readme_counts_the_objects(fleet):
    readme = (FLEET / "README.md").read_text()
    assert [cluster for cluster in CLUSTERS if f"| `{cluster}` | {len(fleet[cluster])} |" not in readme] == []


@pytest.mark.parametrize("kind", sorted(WORKLOADS))
def test_every_workload_kind_occurs(resources, kind):
    assert Counter(resource["kind"] for resource in resources)[kind] >= 1


def test_seven_teams_own_things_in_production(fleet):
    teams = {resource["metadata"].get("labels", {}).get("team") for resource in fleet["production"]}
    assert {"payments", "storefront", "platform", "data", "search", "identity", "loyalty"} <= teams


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_no_object_is_described_twice(fleet, cluster):
    counts = Counter(reference(resource) for resource in fleet[cluster])
    assert [ref for ref, count in counts.items() if count > 1] == []


def test_objects_have_a_namespace_exactly_when_their_kind_does(resources):
    wrong = [
        reference(resource)
        for resource in resources
        if ("namespace" in resource["metadata"]) == (resource["kind"] in CLUSTER_SCOPED)
    ]
    assert wrong == []


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_selectors_match_their_pod_templates(fleet, cluster):
    sets = [r for r in fleet[cluster] if r["kind"] in {"Deployment", "StatefulSet", "DaemonSet"}]
    wrong = [
        reference(resource)
        for resource in sets
        if not resource["spec"]["selector"]["matchLabels"].items()
        <= resource["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert wrong == []


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_mounts_refer_to_volumes(fleet, cluster):
    wrong = [
        f"{reference(resource)}: {mount['name']}"
        for resource in fleet[cluster]
        for mount in mounts_of(resource)
        if mount["name"] not in volumes_of(resource)
    ]
    assert wrong == []


def pod_spec_of(resource):
    spec = resource.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec.get("template", resource if resource["kind"] == "Pod" else {}).get("spec", {})


def mounts_of(resource):
    pod_spec = pod_spec_of(resource)
    containers = [*pod_spec.get("initContainers", ()), *pod_spec.get("containers", ())]
    return [mount for container in containers for mount in container.get("volumeMounts", ())]


def volumes_of(resource):
    claims = resource["spec"].get("volumeClaimTemplates", ())
    return {volume["name"] for volume in pod_spec_of(resource).get("volumes", ())} | {
        claim["metadata"]["name"] for claim in claims
    }
