"""The reports of tests/data/reports, as the client builds them: what is kept there is what servers must take.

`python -m tests.golden` writes them anew, after a change of the protocol that is meant.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plumbline.library import library_policies
from plumbline.policies import Policy
from plumbline.reports import build_report
from plumbline.reports.digests import abbreviate, resource_digests
from plumbline.reports.parts import split_report
from plumbline.resources import Resource
from plumbline.results import Outcome, Result
from plumbline.scanning import Judged, Scan

DIRECTORY = Path(__file__).parent / "data" / "reports"
POLICIES = ("host-network", "host-path", "memory-limits", "privileged-container")
SCANNED_AT = datetime(2026, 3, 3, 8, tzinfo=UTC)
SESSION = "6f1d2c64-3f0e-4a52-9d0a-6c1a4c0f3b11"


def golden_reports() -> dict[str, dict[str, Any]]:
    """By the name of the file. Together they use every field that the client knows how to fill."""
    snapshot = _report("0001", [_judged("web"), _judged("worker"), _judged("import", is_excepted=True)], sequence=1)
    first, second = split_report(_report("0002", [_judged("web"), _judged("worker")], sequence=2), most_resources=1)
    gone = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "import"}
    delta = _report("0003", [_judged("web", is_excepted=True)], kind="delta", deleted=[gone], sequence=3)
    digests = abbreviate(_report("0004", [_judged("web"), _judged("worker")], sequence=4), set(_known()))
    truncated = _report("0005", [_judged("web")], truncated=7, sequence=5)
    return {
        "snapshot": snapshot, "part-1": first, "part-2": second, "delta": delta, "known": digests,
        "truncated": truncated,
    }  # fmt: skip


def read(name: str) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((DIRECTORY / f"{name}.json").read_text())
    return kept


def _known() -> list[str]:
    return resource_digests(_report("0001", [_judged("worker")], sequence=1))


def _policies() -> tuple[Policy, ...]:
    return tuple(policy for policy in library_policies() if policy.id in POLICIES)


def _report(number: str, judged: list[Judged], *, sequence: int, **more: Any) -> dict[str, Any]:
    report = build_report(
        Scan(_policies(), judged=judged),
        scanned_at=SCANNED_AT.replace(minute=sequence),
        report_id=f"00000000-0000-4000-8000-00000000{number}",
        policy_set="0" * 64,
        **more,
    )
    report["agent"]["version"] = "1"
    return {**report, "session": {"id": SESSION, "sequence": sequence}}


def _judged(name: str, *, is_excepted: bool = False) -> Judged:
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "labels": {"team": "payments", "größe": "ß"}},
        "spec": {"template": {"spec": {"containers": [{"name": "web", "securityContext": {"privileged": True}}]}}},
    }
    place = "spec.template.spec.containers[web].securityContext.privileged"
    path, pointer = place.replace("[web]", "[0]"), "/spec/template/spec/containers/0/securityContext/privileged"
    fix = [{"op": "replace", "path": pointer, "value": False}]
    about = ("privileged-container", "privileged", "critical")
    results = [
        Result(*about, "skip" if is_excepted else "fail", path, place, True, "Container web runs privileged", fix,
               "node-agent" if is_excepted else None),
        Result("memory-limits", "limits", "medium", "error", "spec", "spec", None, "no such key", None),
    ]  # fmt: skip
    outcome = Outcome(policies=POLICIES, results=results)
    return Judged(Resource(manifest, file="shop.yaml", line=3), outcome, [12, None])


def main() -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name, report in golden_reports().items():
        text = json.dumps(report, indent=2, ensure_ascii=False)
        (DIRECTORY / f"{name}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
