"""What every request leaves behind: an id, a line, a place in the metrics."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from prometheus_client import generate_latest

from common.logs import json_formatter
from common.metrics import REGISTRY
from organizations.models import Organization, User


def counted(route: str, method: str, status: str) -> float:
    labels = {"route": route, "method": method, "status": status}
    return REGISTRY.get_sample_value("plumbline_http_request_duration_seconds_count", labels) or 0.0


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of the access log so far, as they are written."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(json_formatter())
    access = logging.getLogger("plumbline.access")
    access.addHandler(handler)
    yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    access.removeHandler(handler)


def test_a_request_id_is_taken_over_and_sent_back(client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "from-a-proxy.1"})["X-Request-ID"] == "from-a-proxy.1"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space in it", "new\\nline-in-it", "<script>alert"])
def test_a_request_id_that_is_none_is_replaced(client: Client, given: str) -> None:
    made = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    assert made != given
    assert len(made) == 32


def test_requests_are_counted_by_route_not_by_path(client: Client, db: None) -> None:
    before = counted("unmatched", "GET", "4xx")
    for path in ("/nowhere", "/nowhere/else", "/wp-admin"):
        client.get(path)
    assert counted("unmatched", "GET", "4xx") == before + 3
    assert b"wp-admin" not in generate_latest(REGISTRY)


def test_methods_that_are_made_up_have_one_name(client: Client) -> None:
    before = counted("healthz", "other", "4xx")
    client.generic("BREW", "/healthz")
    client.generic("STEEP", "/healthz")
    assert counted("healthz", "other", "4xx") == before + 2


def test_a_line_says_who_asked_and_for_what_organization(
    client: Client, olivia: User, acme: Organization, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    client.force_login(olivia)
    client.get("/o/acme/clusters?q=hunter2", headers={"X-Request-ID": "request-1"})
    (line,) = lines()
    assert (line["user_id"], line["organization_id"]) == (str(olivia.pk), str(acme.pk))
    assert (line["request_id"], line["route"], line["status"]) == ("request-1", "clusters", 200)
    assert line["duration_ms"] > 0
    assert "hunter2" not in json.dumps(line)


def test_nothing_of_one_request_is_in_the_next_ones_line(
    client: Client, olivia: User, acme: Organization, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    client.force_login(olivia)
    client.get("/o/acme/clusters")
    client.get("/nowhere")
    assert {"user_id", "organization_id"} & set(lines()[1]) == set()


def test_health_checks_are_no_news(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client.get("/healthz")
    assert caplog.records == []
