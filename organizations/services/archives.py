"""Everything that an organization owns, as a ZIP of one file of JSON lines for each table, streamed.

Tables come from the models, so one that is added is in the archive too. Secrets are left out, and what is only on
its way: digests of tokens and invitations, bodies of reports, archives themselves. `manifest.json` names them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
from django.apps import apps
from django.db import connection, transaction

from common.clock import now
from organizations.models import Export, ExportPiece, Organization, OwnedModel, User

FORMAT = "plumbline.export/v1"
_LEFT_OUT_TABLES = {
    Export._meta.db_table: "archives themselves",
    ExportPiece._meta.db_table: "archives themselves",
    "clusters_reportpart": "parts of a report that is still coming in",
    "clusters_rawreport": "reports as they came in: what they said is in the other tables",
}
_LEFT_OUT_COLUMNS = {
    "organizations_apitoken": {"digest": "secret"},
    "organizations_invitation": {"digest": "secret"},
    "clusters_agenttoken": {"digest": "secret"},
    "clusters_report": {"body": "a report on its way: what it says is in the other tables once it is merged"},
}
# JSON text holds neither of these characters nor a line's end, so nothing in it is ever quoted or escaped.
_COPY = "COPY ({query}) TO STDOUT WITH (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')"


@dataclass(frozen=True)
class Archive:
    """What was written: rows by table, and the digest of the whole (SHA-256, hexadecimal)."""

    row_counts: dict[str, int]


def write_archive(organization: Organization, stream: IO[bytes]) -> Archive:
    """Write the archive of the organization in scope, as of one instant. Must not run inside a transaction.

    The memory that it takes does not grow with what is written.
    """
    files: list[dict[str, Any]] = []
    with transaction.atomic(durable=True), ZipFile(stream, "w", ZIP_DEFLATED, compresslevel=6) as archive:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for table, query in _queries(organization):
            files.append(_write_table(archive, table, query))
        manifest = {
            "format": FORMAT,
            "organization": {"id": str(organization.pk), "slug": organization.slug, "name": organization.name},
            "exported_at": now(),
            "files": files,
            "left_out": {"tables": _LEFT_OUT_TABLES, "columns": _LEFT_OUT_COLUMNS},
        }
        archive.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return Archive({file["table"]: file["rows"] for file in files})


def owned_models() -> list[type[OwnedModel]]:
    """Every model whose rows belong to an organization, by the name of its table."""
    owned = [model for model in apps.get_models() if issubclass(model, OwnedModel)]
    return sorted(owned, key=lambda model: model._meta.db_table)


def _queries(organization: Organization) -> Iterator[tuple[str, str]]:
    key = str(organization.pk)  # a UUID, so nothing in it has to be quoted
    yield "organizations_organization", _rows("organizations_organization", _columns(Organization), f"id = '{key}'")
    members = f"id IN (SELECT user_id FROM organizations_membership WHERE organization_id = '{key}')"  # noqa: S608
    yield User._meta.db_table, _rows(User._meta.db_table, ["id", "email", "name", "created_at"], members)
    for model in owned_models():
        table = model._meta.db_table
        if table not in _LEFT_OUT_TABLES:
            yield table, _rows(table, _columns(model), f"organization_id = '{key}'")


def _columns(model: type[Any]) -> list[str]:
    left_out = _LEFT_OUT_COLUMNS.get(model._meta.db_table, {})
    return [field.column for field in model._meta.concrete_fields if field.column not in left_out]


def _rows(table: str, columns: list[str], condition: str) -> str:
    named = ", ".join(f'"{column}"' for column in columns)
    return f"SELECT row_to_json(t) FROM (SELECT {named} FROM {table} WHERE {condition}) t"  # noqa: S608 - no input


def _write_table(archive: ZipFile, table: str, query: str) -> dict[str, Any]:
    name = f"{table}.ndjson"
    with archive.open(name, "w", force_zip64=True) as entry, connection.cursor() as cursor:
        counted = _Counted(entry)
        cursor.copy_expert(_COPY.format(query=query), counted)
    return {"file": name, "table": table, "rows": counted.lines, "bytes": counted.size, "sha256": counted.digest}


class _Counted:
    """Passes on what is written, and counts it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._digest = stream, hashlib.sha256()
        self.lines = self.size = 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self._digest.update(data)
        self.lines += data.count(b"\n")
        self.size += len(data)
        return len(data)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()
