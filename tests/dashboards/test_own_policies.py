"""Pages of own policies: importing, what became of it, the policy's page, retiring, and who may."""

import html

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from common.clock import now
from compliance.models import Policy
from organizations.models import Organization, User
from tests.compliance.imports import ADMISSION, BINDING, DEPLOYMENT, KYVERNO, OWN, PARAMETERS, TESTS, joined, take_in
from tests.factories import make_count, make_own_policy
from tests.fleet import FRAME_QUERIES, Fleet, count_verdicts, make_fleet, visitor

IMPORT = "/o/acme/policies/import"


@pytest.fixture
def fleet(acme_scope: Organization) -> Fleet:
    fleet = make_fleet()
    count_verdicts(fleet)
    return fleet


def get(client: Client, user: User, url: str, status: int = 200) -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def test_what_is_pasted_and_uploaded_comes_in(client: Client, pat: User, acme_scope: Organization) -> None:
    client.force_login(pat)
    upload = SimpleUploadedFile("vap.yaml", joined(ADMISSION, BINDING, PARAMETERS).encode())
    answer = client.post(IMPORT, {"text": joined(OWN, "a: ["), "files": [upload]})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<strong>2 policies were taken</strong>; 1 document was refused." in page
    assert "vap.yaml:1" in page
    assert "Part of replica-limit" in page
    assert page.index("Refused") < page.index("Imported")
    assert "name: owner-label" in page[page.index("<textarea") :]
    assert set(Policy.objects.exclude(organization=None).values_list("slug", flat=True)) == {
        "owner-label",
        "replica-limit",
    }


def test_a_refusal_names_file_line_field_and_column(client: Client, olivia: User, acme_scope: Organization) -> None:
    client.force_login(olivia)
    answer = client.post(IMPORT, {"text": OWN.replace("has(object", "has(object + ")})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "<strong>Nothing was imported.</strong> 1 document was refused." in page
    assert "pasted.yaml:18" in page
    assert '<code class="break">spec.rules[0].expression</code>, column 12: has() argument' in page


def test_a_form_with_nothing_in_it_says_what_to_do(client: Client, olivia: User, acme_scope: Organization) -> None:
    client.force_login(olivia)
    answer = client.post(IMPORT, {"text": "  "})
    assert answer.status_code == 400
    assert "Send at least one file." in answer.content.decode()


def test_documents_without_a_policy_are_named(client: Client, olivia: User, acme_scope: Organization) -> None:
    client.force_login(olivia)
    answer = client.post(IMPORT, {"text": DEPLOYMENT})
    assert answer.status_code == 422
    assert "is no policy, and no policy of this import refers to it" in answer.content.decode()


@pytest.mark.parametrize("size", [settings.UPLOAD_MAX_BYTES + 1, settings.UPLOAD_MAX_BYTES * 2])
def test_files_over_the_limit_are_413(client: Client, olivia: User, acme_scope: Organization, size: int) -> None:
    client.force_login(olivia)
    answer = client.post(IMPORT, {"files": SimpleUploadedFile("a.yaml", b"#" * size)})
    assert answer.status_code == 413


def test_hostile_text_is_shown_as_text(client: Client, olivia: User, acme_scope: Organization) -> None:
    client.force_login(olivia)
    script = "<script>alert(1)</script>"
    answer = client.post(
        IMPORT,
        {"text": f"'{script}': [", "files": SimpleUploadedFile(f"{script}.yaml", f"kind: '{script}'".encode())},
    )
    assert script not in answer.content.decode()


def test_an_imported_policys_page_shows_its_documents_engine_and_tests(
    client: Client, audrey: User, acme_scope: Organization
) -> None:
    take_in(joined(ADMISSION, BINDING, PARAMETERS))
    page = get(client, audrey, "/o/acme/policies/replica-limit")
    assert "No more replicas than allowed" in page
    assert '<span class="tag">ValidatingAdmissionPolicy</span>' in page
    assert "object.spec.replicas &lt;= params.maxReplicas" in page
    assert page.count('aria-label="Manifest"') == 3
    assert "None came with it." in page


def test_results_of_own_tests_are_shown(client: Client, sam: User, acme_scope: Organization) -> None:
    take_in(OWN, tests=TESTS.replace("expect: pass", "expect: fail", 1))
    page = get(client, sam, "/o/acme/policies/owner-label")
    assert "1 pass and 1 fails on <strong>CEL</strong>" in page
    assert "verdict: expected fail, got pass" in page


def test_a_rego_policy_without_passing_tests_says_that_it_is_not_offered_for_enforcement(
    client: Client, sam: User, acme_scope: Organization
) -> None:
    make_own_policy("rego-one", engine="OPA 1.4", format="gatekeeper")
    failing = {"engine": "OPA 1.4", "file": "suite.yaml", "passed": 1, "failed_count": 1, "failed": []}
    make_own_policy("rego-two", engine="OPA 1.4", format="gatekeeper", tests=failing)
    passing = {"engine": "OPA 1.4", "file": "suite.yaml", "passed": 2, "failed_count": 0, "failed": []}
    make_own_policy("rego-three", engine="OPA 1.4", format="gatekeeper", tests=passing)
    assert "until tests of its own pass on OPA 1.4" in get(client, sam, "/o/acme/policies/rego-one")
    assert "until all of them pass" in get(client, sam, "/o/acme/policies/rego-two")
    assert "not offered" not in get(client, sam, "/o/acme/policies/rego-three")


def test_an_own_policy_is_retired_from_its_page(client: Client, pat: User, acme_scope: Organization) -> None:
    make_own_policy("owner-label")
    client.force_login(pat)
    answer = client.post("/o/acme/policies/owner-label/retire", follow=True)
    page = answer.content.decode()
    assert "is retired. Its history stays" in page
    assert "Import again" in page
    assert "owner-label" not in get(client, pat, "/o/acme/policies")


def test_a_policy_is_changed_or_restored_from_the_documents_that_it_has(
    client: Client, pat: User, acme_scope: Organization
) -> None:
    take_in(joined(ADMISSION, BINDING, PARAMETERS))
    assert f'href="{IMPORT}?again=replica-limit">Change' in get(client, pat, "/o/acme/policies/replica-limit")
    page = get(client, pat, f"{IMPORT}?again=replica-limit")
    text = html.unescape(page[page.index("<textarea") : page.index("</textarea>")])
    assert text.endswith(joined(ADMISSION, BINDING, PARAMETERS))
    for nothing in ("nothing", "%00"):
        assert get(client, pat, f"{IMPORT}?again={nothing}").count("></textarea>") == 1


def test_retiring_what_is_the_librarys_changes_nothing(client: Client, olivia: User, fleet: Fleet) -> None:
    client.force_login(olivia)
    page = client.post("/o/acme/policies/liveness-probe/retire", follow=True).content.decode()
    assert "is the library’s" in page.replace("&#x27;", "’")
    assert client.post("/o/acme/policies/nothing/retire").status_code == 404


def test_those_who_may_not_see_no_button_and_get_403(client: Client, dev: User, audrey: User, fleet: Fleet) -> None:
    make_own_policy("owner-label")
    for user in (dev, audrey):
        assert "Import policies" not in get(client, user, "/o/acme/policies")
        page = get(client, user, "/o/acme/policies/owner-label")
        assert "Retire" not in page
        assert "?again=" not in page
        get(client, user, IMPORT, status=403)
        assert client.post(IMPORT, {"text": OWN}).status_code == 403
        assert client.post("/o/acme/policies/owner-label/retire").status_code == 403
    assert Policy.objects.get(slug="owner-label").retired_at is None


def test_the_list_shows_own_policies_with_their_format_and_filters_by_origin(
    client: Client, sam: User, fleet: Fleet
) -> None:
    take_in(KYVERNO)
    page = get(client, sam, "/o/acme/policies")
    assert '<span class="tag">Kyverno</span>' in page
    assert '<option value="own">Your own (1)</option>' in page
    own = get(client, sam, "/o/acme/policies?origin=own")
    assert "/policies/team-label" in own
    assert "/policies/liveness-probe" not in own
    assert "/policies/team-label" not in get(client, sam, "/o/acme/policies?origin=library")


def test_without_own_policies_the_filter_leads_to_importing(
    client: Client, sam: User, dev: User, fleet: Fleet
) -> None:
    assert f'href="{IMPORT}">Import policies' in get(client, sam, "/o/acme/policies?origin=own")
    assert "a platform engineer imports them" in get(client, dev, "/o/acme/policies?origin=own")


def test_the_list_is_by_category_with_counts_and_as_one_when_sorted(client: Client, sam: User, fleet: Fleet) -> None:
    make_own_policy("owner-label")
    page = get(client, sam, "/o/acme/policies")
    names = ("pod-security", "images", "imported", "reliability")
    places = [page.index(f'<span class="group-name">{name}</span>') for name in names]
    assert places == sorted(places)
    assert "4 policies in 4 categories" in page
    assert "1 policy, 1 failing" in page
    assert '<option value="images">images (1)</option>' in page
    flat = get(client, sam, "/o/acme/policies?sort=title")
    assert "group-name" not in flat
    assert "Group by category" in flat


def test_another_category_can_be_chosen_after_the_first(client: Client, sam: User, fleet: Fleet) -> None:
    kept = {}
    for name in ("policies", "fix"):
        page = get(client, sam, f"/o/acme/{name}?category=images")
        form = page[page.index('id="filters"') :]
        kept[name] = 'type="hidden" name="category"' in form[: form.index("</form>")]
    assert kept == {"policies": False, "fix": True}


def test_a_slug_that_the_library_took_up_later_counts_for_no_standard(
    client: Client, sam: User, fleet: Fleet
) -> None:
    own = make_own_policy("privileged-container")
    make_count(fleet.production, own, passed=99, failed=1)
    page = get(client, sam, "/o/acme/policies/privileged-container")
    assert "Fails on <strong>1 of 100</strong>" in page
    assert "73\u202f%" in get(client, sam, "/o/acme/standards/pss-baseline")


def test_pages_cost_the_same_with_1_and_50_own_policies(
    client: Client, olivia: User, fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visitor(client, olivia)
    for first, last in ((0, 1), (1, 50)):
        for number in range(first, last):
            make_own_policy(f"own-{number}", imported_at=now())
        for url, queries in (("/o/acme/policies", 9), ("/o/acme/policies/own-0", 8), (IMPORT, 0)):
            with django_assert_num_queries(FRAME_QUERIES + queries):
                client.get(url)
