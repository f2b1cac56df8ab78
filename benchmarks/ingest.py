"""Results per second from HTTP body to queryable rows, against a bare COPY of the same rows in the same run.

    python -m benchmarks.ingest --results 100000

Starts PostgreSQL and Redis of its own (durable, as in production), gunicorn with 2 processes and one Celery worker
process, posts a snapshot in one body, the same again and one with 1 % of its resources changed, both as an agent sends
them (what did not change by its digest) and in full; each is timed from the first byte of the request to the moment
at which its violations can be read. The COPY goes into a table with the columns and all indexes of
compliance_violation, without its foreign keys. `--largest` adds a snapshot in parts, for the worker's memory.
Prints JSON and a sentence.
"""

import argparse
import copy
import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import zstandard

from benchmarks.stack import Stack, running_stack
from deploy.local.postgres import DATABASE, SUPERUSER
from deploy.local.servers import Servers
from plumbline.library import library_policies
from plumbline.reports.digests import abbreviate, resource_digests
from plumbline.reports.parts import MOST_RESOURCES

VIOLATIONS_PER_RESOURCE = 5
PASSED_PER_RESOURCE = 20
POLL_SECONDS = 0.11  # as often as the limit of requests per minute allows


def snapshot(result_count: int) -> dict[str, Any]:
    """A snapshot with `result_count` violations, five to a Deployment of about 1.5 KB."""
    slugs = [policy.id for policy in library_policies()]
    resources = [_deployment(number, slugs) for number in range(result_count // VIOLATIONS_PER_RESOURCE)]
    return {
        "schema": "plumbline.report/v1",
        "id": str(uuid.uuid4()),
        "kind": "snapshot",
        "scanned_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "agent": {"name": "benchmark", "version": "1"},
        "policies": slugs,
        "resources": resources,
        "deleted": [],
        "truncated": None,
        "unreadable": [],
    }


def _deployment(number: int, slugs: list[str]) -> dict[str, Any]:
    name, namespace = f"service-{number:06d}", f"team-{number % 40:02d}"
    containers = [
        {
            "name": container,
            "image": f"registry.example/{namespace}/{name}:1.{number}",
            "env": [{"name": f"SETTING_{i}", "value": f"value {i} of {name}"} for i in range(8)],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
            "ports": [{"containerPort": 8080 + i} for i in range(2)],
        }
        for container in ("web", "proxy")
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": namespace,
        "name": name,
        "labels": {"app": name, "team": namespace},
        "manifest": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"replicas": 2, "template": {"spec": {"containers": containers}}},
        },
        "file": f"clusters/{namespace}/{name}.yaml",
        "line": 1,
        "passed": list(range(VIOLATIONS_PER_RESOURCE, VIOLATIONS_PER_RESOURCE + PASSED_PER_RESOURCE)),
        "failed": list(range(VIOLATIONS_PER_RESOURCE)),
        "errored": [],
        "skipped": [],
        "violations": [_violation(policy, slugs[policy]) for policy in range(VIOLATIONS_PER_RESOURCE)],
        "errors": [],
    }


def _violation(policy: int, slug: str) -> dict[str, Any]:
    where = "spec.template.spec.containers[{}].securityContext." + slug
    pointer = f"/spec/template/spec/containers/0/securityContext/{slug}"
    return {
        "policy": policy,
        "rule": "checked",
        "place": where.format("web"),
        "path": where.format("0"),
        "found": None,
        "message": f"Container web does not satisfy {slug}",
        "fix": [{"op": "add", "path": pointer, "value": False}],
        "line": 12 + policy,
    }


def follow_up(report: dict[str, Any], minutes: int, changed_share: float) -> dict[str, Any]:
    """The report a while later; in `changed_share` of its resources one violation was mended."""
    later = copy.copy(report)
    later["id"] = str(uuid.uuid4())
    scanned_at = datetime.fromisoformat(report["scanned_at"]) + timedelta(minutes=minutes)
    later["scanned_at"] = scanned_at.isoformat()
    count = int(len(report["resources"]) * changed_share)
    mended = copy.deepcopy(report["resources"][:count])
    for resource in mended:
        resource["passed"].append(resource["failed"].pop())
        resource["violations"].pop()
    later["resources"] = mended + report["resources"][count:]
    return later


def in_parts(result_count: int, scanned_at: str) -> Iterator[dict[str, Any]]:
    """A snapshot of which no more than one part is in memory, neither here nor there."""
    slugs = [policy.id for policy in library_policies()]
    about = snapshot(0) | {"scanned_at": scanned_at}
    count = result_count // VIOLATIONS_PER_RESOURCE
    starts = range(0, count, MOST_RESOURCES)
    digests = ""
    for number, start in enumerate(starts, start=1):
        resources = [_deployment(index, slugs) for index in range(start, min(start + MOST_RESOURCES, count))]
        part: dict[str, Any] = {**about, "resources": resources, "part": {"number": number}}
        if number == len(starts):
            digest = hashlib.sha256(digests.encode()).hexdigest()
            part["part"]["closing"] = {"parts": number, "resources": count, "digest": digest}
        else:
            digests += hashlib.sha256(orjson.dumps(part)).hexdigest()
        yield part


def ingest(client: httpx.Client, *bodies: dict[str, Any]) -> dict[str, float]:
    """Post a report, or its parts, and wait; seconds until the last 202 and until it was processed, both from the
    start of the first request.
    """
    return _ingest(client, iter(bodies))


def _ingest(client: httpx.Client, bodies: Iterator[dict[str, Any]]) -> dict[str, float]:
    spent = 0.0
    for report in bodies:
        body = zstandard.compress(orjson.dumps(report), 3)
        started = time.perf_counter()
        answer = client.post("reports", content=body, headers={"Content-Encoding": "zstd"})
        spent += time.perf_counter() - started
        if answer.status_code != 202:
            raise SystemExit(f"The report was refused: {answer.status_code} {answer.text[:500]}")
    started = time.perf_counter()
    while (receipt := _receipt(client, report))["status"] == "accepted":
        time.sleep(POLL_SECONDS)
    queryable = spent + time.perf_counter() - started
    if receipt["status"] != "processed" or receipt["unknown_count"]:
        raise SystemExit(f"The report was not merged: {receipt}")
    return {"accepted_seconds": round(spent, 3), "queryable_seconds": round(queryable, 3)}


def _receipt(client: httpx.Client, report: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"reports/{report['id']}")
    answer.raise_for_status()
    receipt: dict[str, Any] = answer.json()
    return receipt


def bare_copy(servers: Servers) -> tuple[int, float]:
    """Rows, and seconds that COPY takes for them into an empty table with the same indexes, commit
    included.
    """
    if servers.postgres is None:
        raise SystemExit("Unset DATABASE_URL: the benchmark needs a server of its own.")
    connection = servers.postgres.connect(SUPERUSER, DATABASE)
    with connection.cursor() as cursor:
        rows = BytesIO()
        cursor.copy_expert("COPY compliance_violation TO STDOUT", rows)
        cursor.execute("CREATE TABLE bare_violation (LIKE compliance_violation INCLUDING ALL)")
        rows.seek(0)
        started = time.perf_counter()
        cursor.copy_expert("COPY bare_violation FROM STDIN", rows)
        seconds = time.perf_counter() - started
        cursor.execute("SELECT count(*) FROM bare_violation")
        count = int(cursor.fetchone()[0])
    connection.close()
    return count, seconds


def measure(result_count: int, port: int, largest: int) -> dict[str, Any]:
    """All timings of one run, in seconds and rows per second."""
    first = snapshot(result_count)
    known = set(resource_digests(first))
    with running_stack(port) as stack:
        stack.manage("shell", "-c", FOUND)
        worker = psutil.Process(stack.children["worker"].pid)
        with agent_of(stack, "bench") as client:
            # Processes are warm before the clock runs.
            ingest(client, follow_up(first | {"resources": []}, -60, 0))
            timings = {"first": ingest(client, first)}
            row_count, copy_seconds = bare_copy(stack.servers)
            timings["unchanged_in_full"] = ingest(client, follow_up(first, 1, 0))
            timings["unchanged"] = ingest(client, abbreviate(follow_up(first, 2, 0), known))
            timings["one_percent_changed"] = ingest(client, abbreviate(follow_up(first, 3, 0.01), known))
            timings["one_percent_changed_in_full"] = ingest(client, follow_up(first, 4, 0.02))
        peaks = {result_count: peak_of(worker)}
        if largest:
            with agent_of(stack, "largest") as client:
                timings["largest_in_parts"] = _ingest(client, in_parts(largest, first["scanned_at"]))
            peaks[largest] = peak_of(worker)
        verified = stack.manage("verify_posture")
    seconds = timings["first"]["queryable_seconds"]
    rate, copy_rate = row_count / seconds, row_count / copy_seconds
    shares = {
        f"{name}_share_of_first": round(timings[name]["queryable_seconds"] / seconds, 3)
        for name in ("unchanged", "one_percent_changed", "unchanged_in_full", "one_percent_changed_in_full")
    }
    return {
        "violations": row_count,
        "resources": len(first["resources"]),
        "body_bytes": len(orjson.dumps(first)),
        **timings,
        "rows_per_second": round(rate),
        "copy_rows_per_second": round(copy_rate),
        "ratio_to_copy": round(rate / copy_rate, 3),
        **shares,
        "worker_peak_megabytes": peaks,
        "verified": verified,
    }


@contextmanager
def agent_of(stack: Stack, cluster: str) -> Iterator[httpx.Client]:
    """An agent of a cluster of its own."""
    named = ["--organization", "bench", "--name", cluster, "--environment", "sandbox"]
    token = stack.manage("create_cluster", *named)
    with httpx.Client(
        base_url=f"{stack.url}/api/agent/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=600
    ) as client:
        yield client


def peak_of(worker: psutil.Process) -> int:
    """The largest resident memory that a worker process has had so far, in megabytes."""
    peaks = [0]
    for process in worker.children():
        status = Path(f"/proc/{process.pid}/status").read_text()
        peaks += [int(line.split()[1]) // 1000 for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks)


FOUND = """
from organizations.models import User
from organizations.services.organizations import create_organization
create_organization(slug="bench", name="Bench", owner=User.objects.create(email="bench@bench.example"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=int, default=100_000, help="violations in the snapshot")
    parser.add_argument("--port", type=int, default=8149)
    parser.add_argument("--largest", type=int, default=0, help="violations of a further snapshot, in parts")
    options = parser.parse_args()
    figures = measure(options.results, options.port, options.largest)
    print(json.dumps(figures, indent=2))
    print(
        f"{figures['violations']} violations were queryable {figures['first']['queryable_seconds']} s after the "
        f"request began: {figures['rows_per_second']} rows a second, {figures['ratio_to_copy']} of a bare COPY; "
        f"unchanged, the same snapshot takes {figures['unchanged_share_of_first']:.0%} of that, with 1 % changed "
        f"{figures['one_percent_changed_share_of_first']:.0%}."
    )


if __name__ == "__main__":
    main()
