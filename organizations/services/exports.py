"""Archives on request: asked for by an owner, built in the background, to be had for seven days."""

import hashlib
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from common.clock import now
from common.errors import Conflict, NotFound
from common.locks import held_alone
from organizations.models import Export, ExportPiece, ExportStatus, Organization, User
from organizations.scope import current_organization_id

from .archives import write_archive
from .audit import record

KEPT_FOR = timedelta(days=7)
GIVEN_UP_AFTER = timedelta(hours=24)
OVERDUE_AFTER = timedelta(minutes=5)
PIECE_BYTES = 1 << 20


def request_export(*, actor: User) -> Export:
    """Note that an archive is asked for; the caller has it built. Raises Conflict while one is being built."""
    try:
        with transaction.atomic():
            export = Export.objects.create(organization_id=current_organization_id(), requested_by=actor)
            record(verb="export.requested", target=str(export.pk), actor=actor)
    except IntegrityError as error:
        raise Conflict(
            "An export is being built. It is on this page when it is ready.", code="export_running"
        ) from error
    return export


def build_export(*, export_id: UUID) -> Export:
    """Build a requested archive and keep it in pieces; one that is built already, or by another process at this
    moment, is left as it is.

    Raises NotFound. An archive that cannot be built is marked as failed, with the error, which is raised again.
    """
    with held_alone(b"export:" + export_id.bytes) as is_ours:
        if is_ours:
            return _build(export_id)
    return Export.objects.get(pk=export_id)


def abandoned_exports() -> list[UUID]:
    """Archives that were asked for five minutes ago and are not there yet: nobody heard of them, or whoever built them
    was stopped. Whether somebody is at it tells `build_export`.
    """
    waiting = Export.objects.filter(status=ExportStatus.REQUESTED, requested_at__lt=now() - OVERDUE_AFTER)
    return list(waiting.values_list("pk", flat=True))


def _build(export_id: UUID) -> Export:
    export = Export.objects.filter(pk=export_id).first()
    if export is None:
        raise NotFound("There is no such export.")
    if export.status != ExportStatus.REQUESTED:
        return export
    organization = Organization.objects.get(pk=current_organization_id())
    try:
        with tempfile.TemporaryFile() as file:
            write_archive(organization, file)
            file.seek(0)
            return _keep(export, iter(lambda: file.read(PIECE_BYTES), b""))
    except Exception as error:
        _finish(export, ExportStatus.FAILED, error=f"{type(error).__name__}: {error}"[:1000])
        raise


def read_export(*, export_id: UUID, actor: User) -> tuple[Export, Iterator[bytes]]:
    """A ready archive and its pieces, read one at a time. Raises NotFound. That it was taken is on record."""
    with transaction.atomic():
        export = Export.objects.filter(pk=export_id, status=ExportStatus.READY).first()
        if export is None:
            raise NotFound("There is no such export, or it has gone: exports are kept for seven days.")
        record(verb="export.downloaded", target=str(export.pk), actor=actor)
    return export, _pieces(export)


def drop_expired_exports() -> int:
    """Drop archives older than seven days, and give up on those that nobody built within a day; how many."""
    with transaction.atomic():
        abandoned = Export.objects.filter(status=ExportStatus.REQUESTED, requested_at__lt=now() - GIVEN_UP_AFTER)
        abandoned.update(status=ExportStatus.FAILED, finished_at=now(), error="It was not built within a day.")
        expired = Export.objects.filter(requested_at__lt=now() - KEPT_FOR)
        ExportPiece.objects.filter(export__in=expired.values("pk")).delete()
        count, _ = expired.delete()
    return count


def _keep(export: Export, pieces: Iterator[bytes]) -> Export:
    digest, size = hashlib.sha256(), 0
    with transaction.atomic():
        locked = Export.objects.select_for_update().get(pk=export.pk)
        if locked.status != ExportStatus.REQUESTED:
            return locked  # another worker was quicker
        # An attempt that was cut off may have left some.
        ExportPiece.objects.filter(export=export).delete()
        for number, content in enumerate(pieces):
            ExportPiece.objects.create(
                organization_id=export.organization_id, export=export, number=number, content=content
            )
            digest.update(content)
            size += len(content)
        export.size_bytes, export.digest = size, digest.hexdigest()
        _finish(export, ExportStatus.READY)
        record(verb="export.built", target=str(export.pk), data={"size_bytes": size, "sha256": export.digest})
    return export


def _finish(export: Export, status: ExportStatus, error: str = "") -> None:
    export.status, export.finished_at, export.error = status, now(), error.replace("\x00", "")
    export.save(update_fields=["status", "finished_at", "error", "size_bytes", "digest"])


def _pieces(export: Export) -> Iterator[bytes]:
    number = 0
    while True:
        piece = ExportPiece.objects.filter(export=export, number=number).values_list("content", flat=True).first()
        if piece is None:
            return
        yield bytes(piece)
        number += 1
