"""What the largest bodies cost a web process: the most memory it has while it takes one in, and the time.

    python -m benchmarks.bodies [--megabytes 1 16 64 256] [--dense]

Starts PostgreSQL, Redis and gunicorn of its own, without a worker, so that nothing else runs meanwhile. Posts a
snapshot that expands to about so many megabytes, three times for each size, and reads what the kernel kept as the web
processes' peak. Prints JSON and a sentence.
"""

import argparse
import json
import os
import statistics
import time
from typing import Any

import httpx
import orjson
import psutil
import zstandard

from benchmarks.ingest import FOUND, VIOLATIONS_PER_RESOURCE, agent_of, follow_up, peak_of, snapshot
from benchmarks.stack import Stack, running_stack

TIMES = 3


def measure(sizes: list[int], port: int, is_dense: bool) -> dict[str, Any]:
    """Figures by size in megabytes."""
    with running_stack(port, programs=["web"]) as stack:
        stack.manage("shell", "-c", FOUND)
        with agent_of(stack, "bodies") as client:
            post(client, snapshot(VIOLATIONS_PER_RESOURCE))  # the process is warm before it is measured
            idle = resident(stack)
            return {str(size): figures_of(client, stack, size, idle, is_dense) for size in sizes}


def figures_of(client: httpx.Client, stack: Stack, size: int, idle: int, is_dense: bool) -> dict[str, Any]:
    report = snapshot_of(size)
    if is_dense:
        fill(report)
    body = orjson.dumps(report)
    forget_peak(stack)
    seconds = [post(client, follow_up(report, minute, 0)) for minute in range(TIMES)]
    peak = peak_of(psutil.Process(stack.children["web"].pid))
    result_count = len(report["resources"]) * VIOLATIONS_PER_RESOURCE
    return {
        "body_bytes": len(body),
        "sent_bytes": len(zstandard.compress(body)),
        "seconds": round(statistics.median(seconds), 2),
        "results_per_second": round(result_count / statistics.median(seconds)),
        "peak_megabytes": peak,
        "above_idle_megabytes": peak - idle,
    }


def snapshot_of(megabytes: int) -> dict[str, Any]:
    """A snapshot that expands to a little less than so many megabytes."""
    some = 1000
    bytes_each = len(orjson.dumps(snapshot(some * VIOLATIONS_PER_RESOURCE))) / some
    return snapshot(int(megabytes * (1 << 20) * 0.99 / bytes_each) * VIOLATIONS_PER_RESOURCE)


def fill(report: dict[str, Any]) -> None:
    """Have its manifests hold random bytes, spelled in hexadecimal, 25 MB of them in all."""
    count = len(report["resources"])
    for resource in report["resources"]:
        resource["manifest"]["data"] = os.urandom(25_000_000 // count).hex()


def post(client: httpx.Client, report: dict[str, Any]) -> float:
    """Seconds until it is committed."""
    body = zstandard.compress(orjson.dumps(report))
    started = time.perf_counter()
    answer = client.post("reports", content=body, headers={"Content-Encoding": "zstd"})
    if answer.status_code != 202:
        raise SystemExit(f"The report was refused: {answer.status_code} {answer.text[:500]}")
    return time.perf_counter() - started


def workers(stack: Stack) -> list[psutil.Process]:
    return psutil.Process(stack.children["web"].pid).children()


def resident(stack: Stack) -> int:
    """Megabytes that the largest process has now."""
    return max(worker.memory_info().rss for worker in workers(stack)) // 1_000_000


def forget_peak(stack: Stack) -> None:
    for worker in workers(stack):
        with open(f"/proc/{worker.pid}/clear_refs", "w") as file:
            file.write("5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, nargs="+", default=[1, 16, 64, 256], help="sizes once expanded")
    parser.add_argument("--dense", action="store_true", help="with manifests that cannot be compressed")
    parser.add_argument("--port", type=int, default=8147)
    options = parser.parse_args()
    figures = measure(options.megabytes, options.port, options.dense)
    print(json.dumps(figures, indent=2))
    size, largest = list(figures.items())[-1]
    print(
        f"A body of {size} MB was taken in {largest['seconds']} s, "
        f"with {largest['above_idle_megabytes']} MB above what the process needs anyway."
    )


if __name__ == "__main__":
    main()
