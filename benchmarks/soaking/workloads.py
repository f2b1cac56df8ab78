"""A cluster as its agent sees it: resources with verdicts that change at random, told in the protocol's words."""

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from plumbline.reports.digests import resource_digests
from plumbline.reports.identities import Key, resource_key

FEWEST, MOST = 10, 60
PLACES = ("spec.containers[web].image", "spec.containers[proxy].image", "metadata.labels", "spec.größe")
EXCEPTIONS = ("until-spring", "vendor-image")
_KINDS = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("v1", "Service"), ("v1", "ConfigMap"))
_NAMESPACES = ("shop", "search", "payments", "ops")
_TROUBLES = ("errored", "skipped", "partial", "unclear")
_TEAMS = ("", "", "search", "nobody")


@dataclass
class Check:
    """What one policy says of one resource. `places` are where it fails, with the exception that covers it or ''.

    `trouble`: it could not be evaluated (`errored`, `skipped`), or not everywhere (`partial`, `unclear`).
    """

    places: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


@dataclass
class Workload:
    api_version: str
    kind: str
    namespace: str
    name: str
    team: str
    revision: int
    checks: dict[str, Check]

    def rendered(self, policies: Sequence[str]) -> dict[str, Any]:
        """As in a report; policies that it has no check of do not apply to it."""
        metadata = {"name": self.name, **({"namespace": self.namespace} if self.namespace else {})}
        resource: dict[str, Any] = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "labels": {"team": self.team} if self.team else {},
            "manifest": {
                "apiVersion": self.api_version,
                "kind": self.kind,
                "metadata": metadata,
                "spec": {"revision": self.revision, "note": 'tab\tquote" back\\slash — ünïcode'},
            },
            "file": f"{self.namespace or 'cluster'}/{self.name}.yaml",
            "line": 1,
            **{name: [] for name in ("passed", "failed", "errored", "skipped", "violations", "errors")},
        }
        excepted: list[dict[str, Any]] = []
        partial: list[int] = []
        for index, policy in enumerate(policies):
            if check := self.checks.get(policy):
                _tell(check, index, resource, excepted, partial)
        return {**resource, **({"excepted": excepted} if excepted else {}), **({"partial": partial} if partial else {})}


def _tell(
    check: Check, index: int, resource: dict[str, Any], excepted: list[dict[str, Any]], partial: list[int]
) -> None:
    if check.trouble in ("errored", "skipped"):
        resource[check.trouble].append(index)
        if check.trouble == "errored":
            resource["errors"].append({"policy": index, "message": "no such key: spec"})
        return
    failing = [place for place, exception in check.places.items() if not exception]
    verdict = "failed" if failing else "skipped" if check.places else "passed"
    resource[verdict].append(index)
    resource["violations"] += [_violation(index, place, resource) for place in failing]
    for place, exception in check.places.items():
        if exception:
            excepted.append({**_violation(index, place, resource), "exception": exception})
    if check.trouble == "partial" and verdict != "passed":
        partial.append(index)
    if check.trouble == "unclear" and failing:
        resource["errors"].append({"policy": index, "message": "no such overload"})


def _violation(index: int, place: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "policy": index,
        "rule": "checked",
        "place": place,
        "path": place.replace("[web]", "[0]").replace("[proxy]", "[1]"),
        "found": {"revision": resource["manifest"]["spec"]["revision"]} if index % 2 else None,
        "message": f"{resource['kind']} {resource['name']} fails here",
        "fix": [{"op": "remove", "path": "/spec"}] if index % 3 == 0 else None,
        "line": 3 + index,
    }


class SimulatedCluster:
    """What there is, now. `policies` are what its agent evaluates by."""

    def __init__(self, rng: random.Random, slugs: Sequence[str]) -> None:
        self.rng = rng
        self.slugs = tuple(slugs)
        self.policies = list(slugs)
        self.workloads: dict[Key, Workload] = {}
        for _ in range(rng.randint(FEWEST, MOST)):
            self._add()

    def rendered(self) -> dict[Key, tuple[dict[str, Any], str]]:
        """Each resource as in a report, with its digest."""
        resources = [workload.rendered(self.policies) for workload in self.workloads.values()]
        digests = resource_digests({"policies": self.policies, "resources": resources})
        return {resource_key(r): (r, digest) for r, digest in zip(resources, digests, strict=True)}

    def evolve(self) -> None:
        """A few random changes, or none."""
        for _ in range(self.rng.choice((0, 1, 1, 2, 3, 5))):
            change = self.rng.choice((self._add, self._delete, *[self._change] * 6))
            change()

    def change_policies(self) -> None:
        """Evaluate by others from now on: what is left out is not judged any more, neither passed nor failed."""
        self.policies = self.rng.sample(self.slugs, self.rng.randint(len(self.slugs) - 2, len(self.slugs)))

    def _add(self) -> None:
        """A resource; with so few names it is now and then one that was there before."""
        if len(self.workloads) >= MOST:
            return
        rng = self.rng
        api_version, kind = rng.choice(_KINDS)
        namespace = rng.choice(_NAMESPACES)
        if rng.random() < 0.05:
            api_version, kind, namespace = "v1", "Namespace", ""
        name = f"{rng.choice(string.ascii_lowercase)}{rng.randint(0, 9)}"
        checks = {slug: self._check() for slug in self.slugs if rng.random() < 0.8}
        added = Workload(api_version, kind, namespace, name, rng.choice(_TEAMS), rng.randint(1, 5), checks)
        group, _, _ = api_version.rpartition("/")
        self.workloads[group, kind, namespace, name] = added

    def _check(self) -> Check:
        check = Check()
        while self.rng.random() < 0.35:
            self._break(check)
        return check

    def _break(self, check: Check) -> None:
        check.places[self.rng.choice(PLACES)] = self.rng.choice(("", "", "", *EXCEPTIONS))

    def _delete(self) -> None:
        if len(self.workloads) > FEWEST // 2:
            del self.workloads[self.rng.choice(list(self.workloads))]

    def _change(self) -> None:
        rng = self.rng
        workload = rng.choice(list(self.workloads.values()))
        workload.revision += 1
        if rng.random() < 0.05:
            workload.team = rng.choice(_TEAMS)
        if rng.random() < 0.02 and workload.api_version.startswith("apps/"):
            workload.api_version = rng.choice(("apps/v1", "apps/v1beta2"))
        for check in rng.sample(list(workload.checks.values()), min(2, len(workload.checks))):
            check.trouble = rng.choice(_TROUBLES) if rng.random() < 0.08 else ""
            if check.places and rng.random() < 0.5:
                del check.places[rng.choice(list(check.places))]  # mended
            elif rng.random() < 0.7:
                self._break(check)
