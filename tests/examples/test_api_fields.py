"""Fields and their types, against the models of the Kubernetes client, which know every field of the API."""

from datetime import UTC, datetime

import pytest
from kubernetes import client
from pydantic import ValidationError

from examples.history import reference
from examples.replay import CLUSTERS, states

OF_OPERATORS = {"argoproj.io", "cert-manager.io", "gateway.networking.k8s.io"}


def problems(resource):
    version = resource["apiVersion"].rpartition("/")[2]
    model = getattr(client, version[0].upper() + version[1:] + resource["kind"])
    try:
        model.model_validate(resource)
    except ValidationError as error:
        return [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()]
    return []


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_objects_of_every_day_are_what_the_kubernetes_api_takes(cluster):
    end = datetime(2026, 11, 23, 13, 40, tzinfo=UTC)
    versions = {id(r): r for state in states(cluster, end) for r in state.resources}
    built_in = [r for r in versions.values() if r["apiVersion"].partition("/")[0] not in OF_OPERATORS]
    assert [f"{reference(r)}: {problem}" for r in built_in for problem in problems(r)] == []


def test_a_misspelt_field_would_be_noticed():
    container = {"name": "web", "imagePullpolicy": "Always"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [container]},
    }
    assert problems(pod) == ["spec.containers.0.imagePullpolicy: Extra inputs are not permitted"]
