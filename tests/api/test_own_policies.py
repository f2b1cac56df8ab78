"""The API of own policies: import as JSON and as a form, list and detail, retire."""

from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from compliance.models import Policy
from organizations.models import Organization, User
from tests.api.conftest import HERE, Ask
from tests.compliance.imports import ADMISSION, BINDING, DEPLOYMENT, OWN, PARAMETERS, TESTS, joined
from tests.factories import make_own_policy, make_policy
from tests.fleet import Fleet

IMPORTS = f"{HERE}/policies/imports"


def as_json(client: Client, user: User, **files: str) -> Any:
    client.force_login(user)
    body = {"files": [{"name": f"{name}.yaml", "content": content} for name, content in files.items()]}
    return client.post(IMPORTS, body, content_type="application/json")


def test_files_come_in_as_json(client: Client, pat: User, acme_scope: Organization) -> None:
    answer = as_json(client, pat, own=OWN, vap=joined(ADMISSION, BINDING, PARAMETERS), broken="a: [")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["accepted_count"], body["changed_count"], body["refused_count"]) == (2, 2, 1)
    assert body["documents"][0] == {
        "file": "own.yaml",
        "line": 1,
        "outcome": "imported",
        "kind": "Policy",
        "name": "owner-label",
        "id": "owner-label",
        "format": "plumbline",
        "engine": "CEL",
        "reason": "",
        "field": "",
        "column": None,
        "policies": [],
    }
    assert [document["outcome"] for document in body["documents"]] == [
        *("imported", "imported", "attached", "attached", "refused"),
    ]


def test_files_come_in_as_a_form(client: Client, sam: User, acme_scope: Organization) -> None:
    client.force_login(sam)
    upload = [SimpleUploadedFile("own.yaml", OWN.encode()), SimpleUploadedFile("tests.yaml", TESTS.encode())]
    answer = client.post(IMPORTS, {"files": upload})
    assert answer.status_code == 200
    detail = client.get(f"{HERE}/policies/owner-label").json()
    assert (detail["origin"], detail["format"], detail["engine"]) == ("own", "plumbline", "CEL")
    assert detail["tests"] == {"engine": "CEL", "file": "tests.yaml", "passed": 2, "failed_count": 0, "failed": []}
    assert detail["sources"] == [{"file": "own.yaml", "kind": "Policy", "name": "owner-label", "text": OWN}]
    assert detail["document"]["spec"]["rules"][0]["name"] == "owner"


def test_nothing_that_can_be_used_is_unprocessable_and_says_where(
    client: Client, olivia: User, acme_scope: Organization
) -> None:
    answer = as_json(client, olivia, a=OWN.replace("has(object", "has(object + "), b=DEPLOYMENT)
    assert (answer.status_code, answer.json()["code"]) == (422, "nothing_imported")
    assert answer.json()["fields"] == {
        "a.yaml:18": "spec.rules[0].expression: has() argument must be a field selection",
        "b.yaml:1": "is no policy, and no policy of this import refers to it",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "files"),
        ({"files": []}, "files"),
        ({"files": "x"}, "files"),
        ({"files": [{"name": "a.yaml"}]}, "files.0.content"),
        ({"files": [{"name": "a.yaml", "content": "a\u0000b"}]}, "files.0.content"),
        ({"files": [{"name": "a.yaml", "content": 1.5e300, "x": {}}, {"name": {}}]}, "files.1.name"),
    ],
)
def test_other_bodies_are_refused_by_field(
    client: Client, olivia: User, acme_scope: Organization, body: Any, field: str
) -> None:
    client.force_login(olivia)
    answer = client.post(IMPORTS, body, content_type="application/json")
    assert answer.status_code == 400
    assert field in answer.json()["fields"]


def test_half_a_character_is_no_text(client: Client, olivia: User, acme_scope: Organization) -> None:
    client.force_login(olivia)
    body = '{"files": [{"name": "a.yaml", "content": "a: \\ud800"}]}'
    answer = client.post(IMPORTS, body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"detail", "code", "fields"}


def test_too_much_is_413_in_either_form(client: Client, olivia: User, acme_scope: Organization) -> None:
    long = "#" * (settings.UPLOAD_MAX_BYTES + 1)
    assert as_json(client, olivia, a=long).status_code == 413
    assert as_json(client, olivia, a=long * 3).status_code == 413
    form = client.post(IMPORTS, {"files": SimpleUploadedFile("a.yaml", long.encode())})
    assert form.status_code == 413
    assert set(form.json()) == {"detail", "code", "fields"}
    many = {f"f{number}": "a: 1" for number in range(201)}
    assert as_json(client, olivia, **many).json()["code"] == "too_many_files"


@pytest.mark.parametrize("path", ["policies/imports", "policies/owner-label/retire"])
def test_a_developer_changes_nothing(client: Client, dev: User, acme_scope: Organization, path: str) -> None:
    make_own_policy("owner-label")
    client.force_login(dev)
    assert client.post(f"{HERE}/{path}", {}, content_type="application/json").status_code == 403
    assert Policy.objects.get(slug="owner-label").retired_at is None


def test_an_own_policy_is_retired_and_the_librarys_is_not(
    client: Client, olivia: User, acme_scope: Organization
) -> None:
    make_own_policy("owner-label")
    make_policy("seccomp")
    client.force_login(olivia)
    answer = client.post(f"{HERE}/policies/owner-label/retire")
    assert (answer.status_code, answer.json()["retired_at"] is None) == (200, False)
    answer = client.post(f"{HERE}/policies/seccomp/retire")
    assert (answer.status_code, answer.json()["code"]) == (409, "library_policy")
    assert client.post(f"{HERE}/policies/nothing/retire").status_code == 404


def test_the_list_tells_origin_and_format_and_filters_by_it(ask: Ask, fleet: Fleet) -> None:
    make_own_policy("owner-label")
    own = ask("policies?origin=own")["results"]
    assert [(row["slug"], row["origin"], row["format"]) for row in own] == [("owner-label", "own", "vap")]
    library = ask("policies?origin=library")["results"]
    assert {(row["origin"], row["format"]) for row in library} == {("library", "plumbline")}
    assert "owner-label" not in {row["slug"] for row in library}
    assert list(ask("policies?origin=mine", status=400)["fields"]) == ["origin"]


def test_a_slug_that_the_library_took_up_later_is_listed_once(ask: Ask, fleet: Fleet) -> None:
    make_own_policy("liveness-probe")
    rows = [row for row in ask("policies")["results"] if row["slug"] == "liveness-probe"]
    assert [row["origin"] for row in rows] == ["own"]
    assert ask("policies/liveness-probe")["origin"] == "own"


def test_the_list_costs_the_same_with_1_and_50_own_policies(
    client: Client, olivia: User, acme_scope: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(olivia)
    client.get(f"{HERE}/policies")
    for first, last in ((0, 1), (1, 50)):
        for number in range(first, last):
            make_own_policy(f"own-{number}")
        with django_assert_num_queries(9):
            client.get(f"{HERE}/policies?limit=200")
