"""A cluster of Acme that has not reported yet, and three policies of different severity."""

import pytest

from clusters.models import Cluster
from clusters.services.clusters import register_cluster
from compliance.models import Severity
from organizations.models import Organization
from tests.factories import make_policy


@pytest.fixture
def cluster(acme_scope: Organization) -> Cluster:
    make_policy("privileged-container", Severity.CRITICAL)
    make_policy("host-network", Severity.HIGH)
    make_policy("memory-limits", Severity.MEDIUM)
    return register_cluster(name="production", environment="production")
