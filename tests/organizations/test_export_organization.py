"""Archives: everything that the organization owns, nobody else's, no secrets; by command and on request."""

import hashlib
import io
import threading
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from clusters.models import AgentToken
from common.clock import now
from common.errors import Conflict, NotFound
from common.locks import held_alone
from organizations.models import ApiToken, AuditEvent, Export, ExportPiece, Invitation, Organization, User
from organizations.scope import organization_scope
from organizations.services import exports
from organizations.services.archives import owned_models
from organizations.services.exports import build_export, drop_expired_exports, read_export, request_export
from tests.isolation.rows import fill, mark

pytestmark = pytest.mark.django_db(transaction=True)


def written(organization: Organization, tmp_path: Path) -> dict[str, bytes]:
    call_command("export_organization", organization.slug, "--output", str(tmp_path), stdout=io.StringIO())
    with zipfile.ZipFile(tmp_path / f"{organization.slug}.zip") as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_archive_holds_a_file_for_each_table_with_its_checksum(acme: Organization, tmp_path: Path) -> None:
    fill(acme)
    files = written(acme, tmp_path)
    manifest = orjson.loads(files["manifest.json"])
    assert manifest["organization"]["slug"] == "acme"
    listed = {entry["table"] for entry in manifest["files"]} | set(manifest["left_out"]["tables"])
    assert {model._meta.db_table for model in owned_models()} <= listed
    for entry in manifest["files"]:
        content = files[entry["file"]]
        rows = [orjson.loads(line) for line in content.splitlines()]
        assert len(rows) == entry["rows"] > 0, entry
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]


def test_an_archive_holds_nothing_of_another_organization(
    acme: Organization, globex: Organization, tmp_path: Path
) -> None:
    fill(acme)
    fill(globex)
    content = b"".join(written(acme, tmp_path).values())
    assert mark(acme).encode() in content
    assert mark(globex).encode() not in content
    assert str(globex.pk).encode() not in content
    assert b"mallory@" not in content


def test_an_archive_holds_no_secret(acme: Organization, olivia: User, tmp_path: Path) -> None:
    fill(acme)
    content = b"".join(written(acme, tmp_path).values())
    with organization_scope(acme.pk):
        secrets = [row.digest for model in (ApiToken, AgentToken, Invitation) for row in model.objects.all()]
    assert len(secrets) >= 3
    assert [secret for secret in [*secrets, olivia.password] if secret.encode() in content] == []


def test_text_of_every_kind_survives(acme_scope: Organization, tmp_path: Path) -> None:
    strange = 'a "quote", a \\ backslash, a\nline,\ta tab, é and 🧵'
    AuditEvent.objects.create(organization=acme_scope, actor_label="x", verb="team.created", target=strange)
    rows = written(acme_scope, tmp_path)["organizations_auditevent.ndjson"].splitlines()
    assert strange in [orjson.loads(row)["target"] for row in rows]


@pytest.mark.parametrize(
    ("slug", "output", "words"), [("nobody", ".", "no organization"), ("acme", "/no/x", "no directory")]
)
def test_what_cannot_be_exported_is_said(
    acme: Organization, tmp_path: Path, slug: str, output: str, words: str
) -> None:
    target = str(tmp_path) if output == "." else output
    with pytest.raises(CommandError, match=words):
        call_command("export_organization", slug, "--output", target)
    assert list(tmp_path.iterdir()) == []


def test_an_owner_asks_for_an_archive_and_gets_it_in_pieces(
    acme_scope: Organization, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PIECE_BYTES", 500)
    export = build_export(export_id=request_export(actor=olivia).pk)
    ready, pieces = read_export(export_id=export.pk, actor=olivia)
    content = b"".join(pieces)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (ready.size_bytes, ready.digest)
    assert ExportPiece.objects.count() > 2
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    verbs = AuditEvent.objects.filter(verb__startswith="export.").order_by("happened_at").values_list("verb", flat=True)
    assert list(verbs) == ["export.requested", "export.built", "export.downloaded"]


def test_one_archive_is_built_at_a_time(acme_scope: Organization, olivia: User) -> None:
    request_export(actor=olivia)
    with pytest.raises(Conflict, match="is being built"):
        request_export(actor=olivia)


def test_building_again_changes_nothing(acme_scope: Organization, olivia: User) -> None:
    built = build_export(export_id=request_export(actor=olivia).pk)
    assert build_export(export_id=built.pk).digest == built.digest


def test_an_archive_that_another_process_builds_is_left_to_it(acme_scope: Organization, olivia: User) -> None:
    export = request_export(actor=olivia)
    is_held, is_over = threading.Event(), threading.Event()

    def other_process() -> None:
        with held_alone(b"export:" + export.pk.bytes) as is_ours:
            assert is_ours
            is_held.set()
            is_over.wait(timeout=30)
        connection.close()

    other = threading.Thread(target=other_process)
    other.start()
    assert is_held.wait(timeout=30)
    assert build_export(export_id=export.pk).status == "requested"
    is_over.set()
    other.join()
    assert build_export(export_id=export.pk).status == "ready"


def test_an_archive_that_nobody_built_is_taken_up_again(acme_scope: Organization, olivia: User) -> None:
    export = request_export(actor=olivia)
    assert exports.abandoned_exports() == []
    Export.objects.update(requested_at=now() - timedelta(minutes=6))
    assert exports.abandoned_exports() == [export.pk]
    build_export(export_id=export.pk)
    assert exports.abandoned_exports() == []


def test_an_archive_that_cannot_be_built_says_why(
    acme_scope: Organization, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(exports, "write_archive", full)
    with pytest.raises(OSError, match="No space"):
        build_export(export_id=request_export(actor=olivia).pk)
    assert (Export.objects.get().status, Export.objects.get().error) == ("failed", "OSError: No space left on device")
    request_export(actor=olivia)


def test_archives_go_after_seven_days(acme_scope: Organization, olivia: User) -> None:
    built = build_export(export_id=request_export(actor=olivia).pk)
    assert drop_expired_exports() == 0
    Export.objects.update(requested_at=now() - exports.KEPT_FOR)
    drop_expired_exports()
    assert (Export.objects.count(), ExportPiece.objects.count()) == (0, 0)
    with pytest.raises(NotFound, match="seven days"):
        read_export(export_id=built.pk, actor=olivia)
