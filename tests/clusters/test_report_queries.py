"""What a post costs the database does not depend on how much is in it."""

from typing import Any

import orjson
import pytest
from pytest_django import DjangoAssertNumQueries

from clusters.services.intake import accept_report
from clusters.services.intake.bodies import Body
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender
from tests.clusters.test_report_parts import snapshot
from tests.clusters.test_report_sessions import numbered
from tests.compliance.reports import at, report, resource, violation

POLICIES = ("host-path", "host-network", "memory-limits")


def resources(count: int) -> list[dict[str, Any]]:
    return [resource(f"r{number}", violations=[violation()]) for number in range(count)]


def take(agent: Sender, document: dict[str, Any]) -> None:
    accept_report(cluster_id=agent.cluster.pk, body=Body.plain(orjson.dumps(document)))


@pytest.mark.parametrize("count", [1, 50])
def test_whole_report(
    agent: Sender, acme: Organization, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    with organization_scope(acme.pk), django_assert_num_queries(8):
        take(agent, report(*resources(count), scanned_at=at(0), policies=POLICIES))


@pytest.mark.parametrize("count", [1, 50])
def test_numbered_report(
    agent: Sender, acme: Organization, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    with organization_scope(acme.pk), django_assert_num_queries(11):
        take(agent, {**numbered(1), "resources": resources(count)})


@pytest.mark.parametrize("count", [1, 50])
def test_part_and_closing_part(
    agent: Sender, acme: Organization, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    first, last = snapshot(resources(count), [])
    with organization_scope(acme.pk), django_assert_num_queries(11):
        take(agent, first)
    with organization_scope(acme.pk), django_assert_num_queries(15):
        take(agent, last)
