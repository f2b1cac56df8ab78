"""One violation: the field, the value, the reason and the fix."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from compliance.selectors.fixes import combined_fix, violation_diff
from dashboards.manifests import line_of, manifest_text
from dashboards.views.tactical import kubectl_patch
from organizations.models import Organization, User
from tests.factories import PRIVILEGED, deployment, make_violation, make_workload
from tests.fleet import FRAME_QUERIES, Fleet, make_fleet, visitor

SECURITY_CONTEXT = "/spec/template/spec/containers/0/securityContext"
VIOLATION_QUERIES = FRAME_QUERIES + 4


@pytest.fixture
def fleet(acme_scope: Organization) -> Fleet:
    return make_fleet()


def page_of(client: Client, user: User, violation_id: int, **headers: str) -> str:
    client.force_login(user)
    response = client.get(f"/o/acme/violations/{violation_id}", **headers)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_shows_field_value_reason_and_fix(client: Client, olivia: User, fleet: Fleet) -> None:
    violation = make_violation(make_workload(fleet.production, "checkout"), fleet.privileged)
    page = page_of(client, olivia, violation.id)
    assert PRIVILEGED in page
    assert '<code class="found break">true</code>' in page
    assert "shares the kernel of its node" in page
    assert '<tr class="removed">' in page
    assert '<tr class="added">' in page
    assert "baseline/privileged-containers" in page
    assert "shop/checkout.yaml:17" in page


def test_the_drawer_gets_the_same_without_the_frame(client: Client, olivia: User, fleet: Fleet) -> None:
    violation = make_violation(make_workload(fleet.production), fleet.privileged)
    part = page_of(client, olivia, violation.id, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="drawer-body")
    assert "<html" not in part
    assert PRIVILEGED in part


def test_without_a_patch_the_guidance_stands_in(client: Client, olivia: User, fleet: Fleet) -> None:
    violation = make_violation(make_workload(fleet.production), fleet.privileged, fix=None)
    page = page_of(client, olivia, violation.id)
    assert "decided by hand" in page
    assert "Copy patch" not in page


def test_a_patch_that_no_longer_fits_is_not_shown(fleet: Fleet) -> None:
    workload = make_workload(fleet.production)
    violation = make_violation(workload, fleet.privileged)
    workload.manifest = {"kind": "Deployment"}
    assert violation_diff(violation) is None


def test_a_resource_without_its_manifest_still_has_a_page(client: Client, olivia: User, fleet: Fleet) -> None:
    violation = make_violation(make_workload(fleet.production, manifest=None), fleet.privileged)
    assert "Manifest" not in page_of(client, olivia, violation.id)


def test_the_same_problem_elsewhere_is_counted(client: Client, olivia: User, fleet: Fleet) -> None:
    first = make_violation(make_workload(fleet.production), fleet.privileged)
    make_violation(make_workload(fleet.production), fleet.privileged)
    make_violation(make_workload(fleet.staging), fleet.privileged)
    page = page_of(client, olivia, first.id)
    assert "2 more open violations" in page
    assert "?policy=privileged-container" in page


def test_values_are_shown_as_text_never_as_html(client: Client, olivia: User, fleet: Fleet) -> None:
    violation = make_violation(
        make_workload(fleet.production), fleet.privileged, found="<img src=x>", message="<b>bold</b>"
    )
    page = page_of(client, olivia, violation.id)
    assert "<img src=x>" not in page
    assert "<b>bold</b>" not in page


@pytest.mark.parametrize("wrong", ["0", "9999999999999999999999", "123456"])
def test_ids_that_are_none_are_not_found(client: Client, olivia: User, fleet: Fleet, wrong: str) -> None:
    client.force_login(olivia)
    assert client.get(f"/o/acme/violations/{wrong}").status_code == 404


def test_the_kubectl_command_quotes_what_a_shell_would_read(fleet: Fleet) -> None:
    fix = [{"op": "add", "path": "/metadata/labels/owner", "value": "it's $HOME"}]
    violation = make_violation(make_workload(fleet.production, "web"), fleet.privileged, fix=fix)
    command = kubectl_patch(violation)
    assert command.startswith("kubectl patch deployment.apps/web --namespace shop --type=json --patch=")
    assert """it'"'"'s $HOME""" in command


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("apiVersion", 1),
        ("metadata.name", 4),
        (PRIVILEGED, 20),
        ("spec.template.spec.containers[0].securityContext.runAsNonRoot", 19),
        ("spec.template.spec.containers[7].image", 16),
        ("nowhere", None),
        ("", None),
        ("[[", None),
    ],
)
def test_a_path_leads_to_its_line_or_that_of_its_nearest_parent(path: str, line: int | None) -> None:
    assert line_of(manifest_text(deployment("web", "shop")), path) == line


def test_fixes_that_build_the_same_parent_are_merged(fleet: Fleet) -> None:
    workload = make_workload(fleet.production)
    container = workload.manifest["spec"]["template"]["spec"]["containers"][0]
    del container["securityContext"]
    add = {"op": "add", "path": SECURITY_CONTEXT}
    values = [
        {"capabilities": {"drop": ["ALL"]}},
        {"capabilities": {"drop": ["NET_RAW"]}},
        {"runAsNonRoot": True},
    ]
    found = [
        make_violation(workload, fleet.privileged, place=str(number), fix=[add | {"value": value}])
        for number, value in enumerate(values)
    ]
    fix = combined_fix(workload, found)
    assert fix is not None
    assert fix.closed_count == 3
    merged = {"capabilities": {"drop": ["ALL", "NET_RAW"]}, "runAsNonRoot": True}
    assert fix.patch == [add | {"value": merged}]


def test_a_fix_that_contradicts_an_earlier_one_is_left_out(fleet: Fleet) -> None:
    workload = make_workload(fleet.production)
    fixes = [[{"op": "replace", "path": "/spec/replicas", "value": number}] for number in (3, 5)]
    found = [make_violation(workload, fleet.privileged, place=str(n), fix=fix) for n, fix in enumerate(fixes)]
    fix = combined_fix(workload, found)
    assert fix is not None
    assert (fix.closed_count, fix.patch) == (1, fixes[0])


def test_the_page_costs_the_same_with_many_others(
    client: Client, olivia: User, fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    violation = make_violation(make_workload(fleet.production), fleet.privileged)
    visitor(client, olivia)
    with django_assert_num_queries(VIOLATION_QUERIES):
        client.get(f"/o/acme/violations/{violation.id}")
    for _ in range(49):
        make_violation(make_workload(fleet.production), fleet.privileged)
    with django_assert_num_queries(VIOLATION_QUERIES):
        client.get(f"/o/acme/violations/{violation.id}")
