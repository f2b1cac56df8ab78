"""How fast pages and lists are in an organization of a thousand clusters, and in one of a hundredth of that.

    python -m benchmarks.reading --clusters 1000 --home DIR --keep
    python -m benchmarks.reading --home DIR --reuse --only fix --sql 3

Starts a PostgreSQL and Redis of its own and makes two databases: 1,000 clusters with a million open and ten million
resolved violations and a year of days, and ten clusters with a hundredth of it (`fleet_at_scale`). Then asks each page
and each list of the API, in the process and as the application's role: what is timed is the whole work on a request.
Prints a table, JSON, and a sentence that names what misses 150 ms or one and a half times the small one's time.
`--verify` compares the small database with itself by `verify_posture`.
"""

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.fleet_at_scale import fill
from benchmarks.requests_at_scale import requests_at_scale
from deploy.local.home import Home
from deploy.local.postgres import DATABASE, OWNER_ROLE, SUPERUSER
from deploy.local.servers import Servers

CHECKOUT = Path(__file__).resolve().parent.parent
SMALL = "plumbline_small"
P95_MILLISECONDS, RATIO = 150.0, 1.5
WARM_UPS = 2


def main() -> None:
    asked = _arguments()
    if asked.measure:
        measure(asked)
        return
    directory = Path(asked.home or tempfile.mkdtemp(prefix="plumbline-reading-"))
    home = Home(directory)
    servers = Servers(home)
    environment = os.environ | servers.start(dies_with_parent=True)
    try:
        if not asked.reuse:
            prepare(servers, environment, asked)
        small = environment | {
            name: f"{environment[name].rpartition('/')[0]}/{SMALL}" for name in ("DATABASE_URL", "DATABASE_OWNER_URL")
        }
        small["REDIS_URL"] = f"{environment['REDIS_URL'].rpartition('/')[0]}/1"  # each counts its own callers' requests
        if asked.reuse:
            for kept in (small, environment):
                _manage(kept, "migrate")
        if asked.verify:
            print(_manage(small, "verify_posture"), file=sys.stderr)
        figures = by_turns({"small": small, "full": environment}, asked)
    finally:
        servers.stop()
        if not asked.keep and not asked.reuse:
            servers.remove()
            shutil.rmtree(directory, ignore_errors=True)
    report(figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--home", help="where the databases lie; a temporary directory when left out")
    parser.add_argument("--keep", action="store_true", help="keep them for --reuse")
    parser.add_argument("--reuse", action="store_true", help="measure what an earlier run kept")
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--only", default="", metavar="PATTERN")
    parser.add_argument("--sql", type=int, default=0, metavar="N", help="the N slowest statements of each request")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def prepare(servers: Servers, environment: dict[str, str], asked: argparse.Namespace) -> None:
    """Both databases, filled; each has another tenant of ten clusters besides."""
    for command in (["migrate"], ["sync_library"]):
        _manage(environment, *command)
    for slug in ("acme", "globex"):
        people = ["--slug", slug, "--name", slug.capitalize(), "--owner", f"olivia@{slug}.example", "--password-stdin"]
        _manage(environment, "create_organization", *people, text="a long enough password")
    connection = servers.postgres.connect(SUPERUSER, "postgres")
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {SMALL} TEMPLATE {DATABASE} OWNER {OWNER_ROLE}")
    connection.close()
    for database, clusters in ((SMALL, max(1, asked.clusters // 100)), (DATABASE, asked.clusters)):
        _fill(servers, database, {"acme": clusters, "globex": min(10, clusters)})


def _fill(servers: Servers, database: str, sizes: dict[str, int]) -> None:
    connection = servers.postgres.connect(SUPERUSER, database)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for slug, clusters in sizes.items():
            cursor.execute("SELECT id FROM organizations_organization WHERE slug = %s", [slug])
            organization = cursor.fetchone()[0]
            fill(cursor, organization=organization, clusters=clusters, tell=lambda text: _tell(database, text))
    connection.close()


def _tell(database: str, text: str) -> None:
    print(f"{database}: {text}", file=sys.stderr, flush=True)


def _manage(environment: dict[str, str], *arguments: str, text: str | None = None) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, input=text, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"manage.py {arguments[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout.strip()


def by_turns(environments: dict[str, dict[str, str]], asked: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What each request takes in each database, one right after the other: a machine is not equally quick all day."""
    command = [sys.executable, "-m", "benchmarks.reading", "--measure", "--repetitions", str(asked.repetitions)]
    command += ["--only", asked.only, "--sql", str(asked.sql)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    measuring = {
        size: subprocess.Popen(command, cwd=CHECKOUT, env=environment, **pipes)
        for size, environment in environments.items()
    }
    figures: dict[str, dict[str, Any]] = {size: {} for size in environments}
    finished: set[str] = set()
    while len(finished) < len(measuring):
        for size, process in measuring.items():
            if size in finished:
                continue
            process.stdin.write("next\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if line:
                figures[size] |= json.loads(line)
            elif process.wait():
                raise SystemExit(f"The measurement of the {size} database failed.")
            else:
                finished.add(size)
    return figures


def measure(asked: argparse.Namespace) -> None:
    """In a process of its own, against the database of the environment: for each line read, one request, one line of
    JSON.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import logging

    from django.conf import settings

    import config.wsgi  # noqa: F401 - as in a worker of gunicorn's

    logging.disable(logging.CRITICAL)
    settings.ALLOWED_HOSTS = ["*"]
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    for name, client, path in requests_at_scale():
        if re.search(asked.only, name):
            sys.stdin.readline()
            found = _timed(client, path, asked)
            print(f"{name:50} {found['p95']:8.1f} ms", file=sys.stderr, flush=True)
            print(json.dumps({name: found}), flush=True)
    sys.stdin.readline()


def _timed(client: Any, path: str, asked: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection

    statements: list[tuple[float, str]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            statements.append((time.perf_counter() - started, sql))

    times = []
    for number in range(WARM_UPS + asked.repetitions):
        statements.clear()
        with connection.execute_wrapper(note):
            started = time.perf_counter()
            answer = client.get(path)
            elapsed = time.perf_counter() - started
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.content[:300]!r}")
        if number >= WARM_UPS:
            times.append(elapsed * 1000)
    for seconds, sql in sorted(statements, reverse=True)[: asked.sql]:
        print(f"    {seconds * 1000:.0f} ms {sql[:400]}", file=sys.stderr)
    times.sort()
    p95 = times[math.ceil(len(times) * 0.95) - 1]
    return {"p50": round(times[len(times) // 2], 1), "p95": round(p95, 1), "queries": len(statements)}


def report(figures: dict[str, dict[str, Any]]) -> None:
    rows = {
        name: {
            "small_p50": small["p50"],
            "small_p95": small["p95"],
            "p50": full["p50"],
            "p95": full["p95"],
            "ratio": round(full["p50"] / small["p50"], 2),
            "small_queries": small["queries"],
            "queries": full["queries"],
        }
        for name, small in figures["small"].items()
        for full in [figures["full"][name]]
    }
    for name, row in rows.items():
        print(f"{name:50} {row['small_p95']:8.1f} {row['p95']:8.1f} ms {row['ratio']:6.2f} × {row['queries']:4}")
    print(json.dumps(rows))
    slow = [name for name, row in rows.items() if row["p95"] > P95_MILLISECONDS]
    steep = [name for name, row in rows.items() if row["ratio"] > RATIO]
    print(
        f"Of {len(rows)} requests {len(slow)} take longer than {P95_MILLISECONDS:.0f} ms at the 95th percentile "
        f"({', '.join(slow) or 'none'}); {len(steep)} more than {RATIO} times the median at a hundredth of the data "
        f"({', '.join(steep) or 'none'})."
    )


if __name__ == "__main__":
    main()
