"""Objects that controllers made, in a report of a scan of what a cluster holds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from plumbline.evaluation import Evaluator
from plumbline.library import library_policies
from plumbline.reports import build_report
from plumbline.scanning import scan

POLICIES = [policy for policy in library_policies() if policy.id in {"privileged-container", "host-network"}]


def pod_spec(privileged: bool, *more: dict[str, Any]) -> dict[str, Any]:
    return {"containers": [{"name": "web", "image": "web", "securityContext": {"privileged": privileged}}, *more]}


def made(version: str, kind: str, name: str, spec: dict[str, Any], owner: tuple[str, str, str] | None = None) -> Any:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop"}
    if owner:
        reference = dict(zip(("apiVersion", "kind", "name"), owner, strict=True))
        metadata["ownerReferences"] = [{**reference, "controller": True, "uid": "u"}]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def template(spec: dict[str, Any]) -> dict[str, Any]:
    return {"selector": {}, "template": {"metadata": {}, "spec": spec}}


DEPLOYMENT = ("apps/v1", "Deployment", "web")
REPLICA_SET = ("apps/v1", "ReplicaSet", "web-6d88f6dcdd")
POD = ("v1", "Pod", "web-6d88f6dcdd-k6bc5")


def reported(tmp_path: Path, *objects: Any) -> dict[str, dict[str, Any]]:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(objects))
    found = scan([tmp_path], Evaluator(POLICIES), keep=True)
    report = build_report(found, scanned_at=datetime(2026, 11, 25, tzinfo=UTC))
    return {f"{resource['kind']}/{resource['name']}": resource for resource in report["resources"]}


def places(resource: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(violation["place"], violation["fix"] is None) for violation in resource["violations"]]


def test_one_violation_under_deployment_replica_set_and_pod_is_one_at_the_deployment(tmp_path: Path) -> None:
    found = reported(
        tmp_path,
        made(*POD, pod_spec(True), owner=REPLICA_SET),
        made(*REPLICA_SET, template(pod_spec(True)), owner=DEPLOYMENT),
        made(*DEPLOYMENT, template(pod_spec(True))),
    )
    assert list(found) == ["Deployment/web"]
    place = "spec.template.spec.containers[web].securityContext.privileged"
    assert places(found["Deployment/web"]) == [(place, False)]


def test_what_only_a_pod_shows_is_the_owners_at_the_place_it_has_there(tmp_path: Path) -> None:
    injected = {"name": "proxy", "image": "proxy", "securityContext": {"privileged": True}}
    found = reported(
        tmp_path,
        made(*DEPLOYMENT, template(pod_spec(False))),
        made(*REPLICA_SET, template(pod_spec(False)), owner=DEPLOYMENT),
        made(*POD, pod_spec(False, injected), owner=REPLICA_SET),
    )
    deployment = found["Deployment/web"]
    assert places(deployment) == [("spec.template.spec.containers[proxy].securityContext.privileged", True)]
    assert (len(deployment["failed"]), len(deployment["passed"])) == (1, 1)


@pytest.mark.parametrize("owner", [("apps/v1", "Deployment", "other"), ("batch/v1", "Deployment", "web")])
def test_an_object_whose_owner_was_not_scanned_is_reported_itself(tmp_path: Path, owner: tuple[str, str, str]) -> None:
    replica_set = made(*REPLICA_SET, template(pod_spec(True)), owner=owner)
    found = reported(tmp_path, made(*DEPLOYMENT, template(pod_spec(False))), replica_set)
    assert list(found) == ["Deployment/web", "ReplicaSet/web-6d88f6dcdd"]


def test_a_pod_of_a_cron_jobs_job_is_the_cron_jobs(tmp_path: Path) -> None:
    cron_job, job = ("batch/v1", "CronJob", "import"), ("batch/v1", "Job", "import-29400000")
    found = reported(
        tmp_path,
        made(*cron_job, {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": pod_spec(False)}}}}),
        made(*job, {"template": {"spec": pod_spec(False)}}, owner=cron_job),
        made("v1", "Pod", "import-29400000-x7k2p", pod_spec(True), owner=job),
    )
    place = "spec.jobTemplate.spec.template.spec.containers[web].securityContext.privileged"
    assert places(found["CronJob/import"]) == [(place, True)]
    assert len(found) == 1


def test_owners_in_a_circle_lose_nothing(tmp_path: Path) -> None:
    one, two = ("batch/v1", "Job", "one"), ("batch/v1", "Job", "two")
    spec = {"template": {"spec": pod_spec(True)}}
    assert len(reported(tmp_path, made(*one, spec, owner=two), made(*two, spec, owner=one))) == 2
