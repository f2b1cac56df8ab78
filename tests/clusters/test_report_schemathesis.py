"""The agents' API against its own OpenAPI description: generated requests get described answers, never a 500."""

import json

import hypothesis
import schemathesis
from django.core.cache import cache
from django.test import Client

from deploy.local.home import CHECKOUT
from organizations.models import Organization
from tests.clusters.conftest import Sender
from tests.clusters.test_report_fuzz import assert_whole

described = schemathesis.openapi.from_path(CHECKOUT / "docs" / "openapi.yaml").include(path_regex="^/api/agent/")


@described.parametrize()
@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_generated_requests_are_answered_as_described(
    case: schemathesis.Case, agent: Sender, acme: Organization
) -> None:
    cache.clear()
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body, default=str).encode()
    answer = Client().generic(
        case.method,
        case.formatted_path,
        data=body,
        content_type="application/json",
        query_params=dict(case.query or {}),
        headers={"Authorization": f"Bearer {agent.secret}"},
    )
    assert answer.status_code < 500
    # Methods that no operation has are tried too: OPTIONS is answered, the others are not allowed.
    assert str(answer.status_code) in {*case.operation.definition.raw["responses"], "200", "404", "405", "411"}
    assert_whole(agent, acme)
