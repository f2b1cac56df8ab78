"""What an organization owns, asked for by programs: archives, and deletion."""

import io
import zipfile
from typing import Any

import pytest
from django.test import Client

from organizations.models import AuditEvent, Export, Organization
from organizations.scope import organization_scope
from organizations.services.exports import build_export
from tests.api.conftest import HERE, Ask


def post(client: Client, path: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(f"{HERE}/{path}", body or {}, content_type="application/json")


@pytest.mark.django_db(transaction=True)
def test_an_archive_is_asked_for_built_and_downloaded(as_olivia: Client, acme: Organization, ask: Ask) -> None:
    asked = post(as_olivia, "exports")
    assert (asked.status_code, asked.json()["status"]) == (202, "requested")
    path = f"exports/{asked.json()['id']}"
    early = post(as_olivia, f"{path}/download")
    assert (early.status_code, early.json()["code"]) == (404, "not_found")
    with organization_scope(acme.pk):
        build_export(export_id=Export.objects.get().pk)
    ready = ask(path)
    assert (ready["status"], ready["requested_by"]) == ("ready", "olivia@acme.example")
    assert ask("exports")["results"] == [ready]
    answer = post(as_olivia, f"{path}/download")
    content = b"".join(answer.streaming_content)
    assert (answer["Content-Type"], len(content)) == ("application/zip", ready["size_bytes"])
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    with organization_scope(acme.pk):
        assert AuditEvent.objects.filter(verb="export.downloaded").count() == 1


def test_a_second_archive_waits_for_the_first(as_olivia: Client) -> None:
    assert post(as_olivia, "exports").status_code == 202
    second = post(as_olivia, "exports")
    assert (second.status_code, second.json()["code"]) == (409, "export_running")


def test_deletion_wants_the_name_and_can_be_called_off(as_olivia: Client, ask: Ask) -> None:
    assert ask("deletion") == {"due_at": None}
    wrong = post(as_olivia, "deletion", {"confirmation": "globex"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "not_confirmed")
    asked = post(as_olivia, "deletion", {"confirmation": "acme"})
    assert asked.status_code == 202
    assert ask("deletion") == asked.json() != {"due_at": None}
    assert as_olivia.delete(f"{HERE}/deletion").json() == ask("deletion") == {"due_at": None}


def test_deletion_without_a_confirmation_names_the_field(as_olivia: Client) -> None:
    answer = post(as_olivia, "deletion")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["confirmation"])
