"""Settings of an organization's data: how long it is kept, its archive, its deletion."""

import io
import zipfile
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.clock import now
from organizations.models import Export, Organization, User
from organizations.scope import organization_scope
from organizations.services.exports import build_export, request_export


def at(name: str, *more: Any) -> str:
    return reverse(name, args=["acme", *more])


def page(client: Client) -> str:
    return client.get(at("settings_data")).content.decode()


def test_a_retention_is_set_and_taken_back(as_olivia: Client) -> None:
    answer = as_olivia.post(at("settings_retention"), {"days": "90"}, follow=True)
    assert "Resolved violations are kept for 90 days." in answer.content.decode()
    as_olivia.post(at("settings_retention"), {"days": ""})
    assert "Everything is kept for as long as Acme is here." in page(as_olivia)


@pytest.mark.parametrize("days", ["7", "soon", "-1", "9" * 30, "٣٦٥"])
def test_a_retention_that_is_none_is_refused_in_place(as_olivia: Client, days: str) -> None:
    answer = as_olivia.post(at("settings_retention"), {"days": days})
    assert answer.status_code == 400
    assert f'value="{days}"' in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_ready_export_is_downloaded_as_it_was_built(as_olivia: Client, acme: Organization, olivia: User) -> None:
    with organization_scope(acme.pk):
        export = build_export(export_id=request_export(actor=olivia).pk)
    assert f"sha256 {export.digest}" in page(as_olivia)
    answer = as_olivia.post(at("settings_export_download", export.pk))
    content = b"".join(answer.streaming_content)
    assert (answer["Content-Type"], int(answer["Content-Length"])) == ("application/zip", len(content))
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_an_export_that_is_being_built_is_shown_and_not_started_twice(as_olivia: Client, acme: Organization) -> None:
    as_olivia.post(at("settings_export"))
    assert "Being built" in page(as_olivia)
    answer = as_olivia.post(at("settings_export"))
    assert (answer.status_code, b"is being built" in answer.content) == (409, True)


def test_an_export_that_is_not_ready_is_not_there(as_olivia: Client, acme: Organization, olivia: User) -> None:
    with organization_scope(acme.pk):
        export = request_export(actor=olivia)
    assert as_olivia.post(at("settings_export_download", export.pk)).status_code == 404


def test_deletion_takes_the_slug_typed_and_can_be_called_off(as_olivia: Client) -> None:
    refused = as_olivia.post(at("settings_deletion"), {"confirmation": "Acme"})
    assert (refused.status_code, b"Type acme to have everything" in refused.content) == (400, True)
    as_olivia.post(at("settings_deletion"), {"confirmation": "acme"})
    assert "Everything of Acme is deleted on" in page(as_olivia)
    as_olivia.post(at("settings_deletion_cancel"))
    assert "Delete everything in 14 days" in page(as_olivia)


def test_only_owners_find_the_page(acme: Organization, sam: User, client: Client) -> None:
    client.force_login(sam)
    assert client.get(at("settings_data")).status_code == 403
    assert at("settings_data") not in client.get(at("settings")).content.decode()


def test_the_page_takes_as_many_queries_for_ten_exports_as_for_one(
    as_olivia: Client, acme: Organization, olivia: User
) -> None:
    def made(count: int) -> int:
        with organization_scope(acme.pk):
            for _ in range(count):
                Export.objects.create(organization=acme, status="ready", requested_by=olivia, finished_at=now())
        with CaptureQueriesContext(connection) as queries:
            page(as_olivia)
        return len(queries)

    page(as_olivia)
    assert made(1) == made(10) <= 14
