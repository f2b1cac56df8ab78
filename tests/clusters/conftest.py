"""A cluster of Acme with its agent, and the library in the database."""

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from clusters.models import AgentToken, Cluster
from clusters.services.clusters import register_cluster
from clusters.services.tokens import issue_agent_token
from compliance.services.library import sync_library
from organizations.models import Organization
from organizations.scope import organization_scope

REPORTS = "/api/agent/v1/reports"


@dataclass
class Sender:
    """Posts to the agents' API as one cluster's agent, and to nobody's scope but its own."""

    cluster: Cluster
    token: AgentToken
    secret: str

    def post_body(self, body: bytes, encoding: str = "", **headers: str) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self.secret}", **headers}
        if encoding:
            headers["Content-Encoding"] = encoding
        return Client().post(REPORTS, data=body, content_type="application/json", headers=headers)

    def post(self, document: dict[str, Any]) -> HttpResponse:
        return self.post_body(orjson.dumps(document))

    def status(self, report_id: str) -> HttpResponse:
        return Client().get(f"{REPORTS}/{report_id}", headers={"Authorization": f"Bearer {self.secret}"})


def sender_of(organization: Organization, name: str = "production") -> Sender:
    with organization_scope(organization.pk):
        cluster = register_cluster(name=name, environment="production")
        token, secret = issue_agent_token(cluster_id=cluster.pk)
    return Sender(cluster, token, secret)


@pytest.fixture
def library(db: None) -> None:
    sync_library()


@pytest.fixture
def agent(acme: Organization, library: None) -> Sender:
    cache.clear()
    return sender_of(acme)
