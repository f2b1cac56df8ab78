"""What is counted for Prometheus. Labels have few values each: never an organization, a cluster or a person.

Counted in files under PROMETHEUS_MULTIPROC_DIR where that is set, one for each process, so that any of the processes
on a machine can answer for all; else in this process alone. What the database knows better is asked of it when
Prometheus asks us: see common.exposition.
"""

import os
from pathlib import Path

DIRECTORY = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
if DIRECTORY:
    Path(DIRECTORY).mkdir(parents=True, exist_ok=True)

from billiard.process import current_process  # noqa: E402 - the client looks for its directory when imported
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values  # noqa: E402


def _process() -> str:
    """Who writes a file. The children of a Celery worker go by their seats: whoever takes a seat over counts on."""
    seat = getattr(current_process(), "index", None)
    return f"{os.getpid()}" if seat is None else f"{os.getppid()}-{seat}"


if DIRECTORY:
    values.ValueClass = values.MultiProcessValue(_process)

REGISTRY = CollectorRegistry()

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_LAG_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)

REPORTS_ACCEPTED = Counter(
    "plumbline_reports_accepted", "Reports committed, by kind.", ["kind"], registry=REGISTRY
)
REPORTS_REPEATED = Counter(
    "plumbline_reports_repeated", "Reports that were sent again and got their first receipt.", registry=REGISTRY
)
REPORTS_REFUSED = Counter(
    "plumbline_reports_refused", "Posts of reports that were refused, by the error's code.", ["code"], registry=REGISTRY
)
REPORT_BYTES = Counter(
    "plumbline_report_bytes", "Bytes of bodies read, as sent and as expanded.", ["form"], registry=REGISTRY
)
REPORTS_SETTLED = Counter(
    "plumbline_reports_settled",
    "Reports taken from their queues: processed, superseded, parked; interrupted when the attempt was cut off.",
    ["outcome"],
    registry=REGISTRY,
)
REPORT_MERGE_SECONDS = Histogram(
    "plumbline_report_merge_duration_seconds",
    "Time that merging one report took.",
    registry=REGISTRY,
    buckets=_LONG_SECONDS,
)
REPORT_LAG_SECONDS = Histogram(
    "plumbline_report_lag_seconds",
    "Time from a report's arrival to its being settled.",
    registry=REGISTRY,
    buckets=_LAG_SECONDS,
)
MERGED_RESOURCES = Counter("plumbline_merged_resources", "Resources of merged reports.", registry=REGISTRY)
MERGED_RESULTS = Counter(
    "plumbline_merged_results", "Verdicts of a policy on a resource, of merged reports.", registry=REGISTRY
)
SWEEPER_WAKE_UPS = Counter(
    "plumbline_sweeper_wake_ups", "Tasks that the sweeper asked for because reports waited too long.", registry=REGISTRY
)
SWEEPER_RAN_AT = Gauge(
    "plumbline_sweeper_last_run_timestamp_seconds",
    "When the sweeper last ran, as Unix time.",
    registry=REGISTRY,
    multiprocess_mode="mostrecent",
)
BROKER_ERRORS = Counter(
    "plumbline_broker_errors", "Tasks that the broker did not take; the sweeper asks again.", registry=REGISTRY
)
DATABASE_ERRORS = Counter(
    "plumbline_database_errors",
    "Requests and tasks that failed because the database gave out, by the driver's class of error.",
    ["error"],
    registry=REGISTRY,
)
HTTP_REQUEST_SECONDS = Histogram(
    "plumbline_http_request_duration_seconds",
    "Time to the response's first byte, by route name, method and class of status.",
    ["route", "method", "status"],
    registry=REGISTRY,
    buckets=_SECONDS,
)
