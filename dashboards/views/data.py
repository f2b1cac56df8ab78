"""Settings of what an organization owns: how long it is kept, its archive, its deletion. For owners."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from common.errors import PlumblineError
from dashboards.access import OrganizationRequest, organization_view
from organizations.models import ExportStatus
from organizations.permissions import Capability
from organizations.selectors.exports import recent_exports
from organizations.services.deletion import cancel_deletion, request_deletion
from organizations.services.exports import read_export, request_export
from organizations.services.retention import LEAST_DAYS, MOST_DAYS, set_retention
from organizations.tasks import build_export_task


@require_safe
@organization_view(needs=Capability.MANAGE_ORGANIZATION)
def data_view(request: OrganizationRequest) -> HttpResponse:
    return _page(request)


@require_POST
@organization_view(needs=Capability.MANAGE_ORGANIZATION)
def retention_view(request: OrganizationRequest) -> HttpResponse:
    given = request.POST.get("days", "").strip()
    try:
        if given and not (given.isascii() and given.isdecimal() and len(given) < 7):
            raise PlumblineError("Give a number of days, or nothing.", fields={"days": "A number."})
        changed = set_retention(days=int(given) if given else None, actor=request.user)
    except PlumblineError as error:
        return _page(request, status=error.status, days=given, days_error=error.detail)
    kept = f"for {changed.retention_days} days" if changed.retention_days else "for as long as the organization is here"
    messages.success(request, f"Resolved violations are kept {kept}.")
    return redirect("settings_data", slug=request.organization.slug)


@require_POST
@organization_view(needs=Capability.MANAGE_ORGANIZATION)
def export_view(request: OrganizationRequest) -> HttpResponse:
    try:
        export = request_export(actor=request.user)
    except PlumblineError as error:
        return _page(request, status=error.status, export_error=error.detail)
    transaction.on_commit(
        lambda: build_export_task.delay(str(request.organization.pk), str(export.pk)),
        robust=True,  # without Redis the sweep of abandoned archives takes it up
    )
    messages.success(request, "The export is being built. It will be here to download.")
    return redirect("settings_data", slug=request.organization.slug)


@require_POST
@organization_view(needs=Capability.MANAGE_ORGANIZATION)
def export_download_view(request: OrganizationRequest, export_id: UUID) -> StreamingHttpResponse:
    export, pieces = read_export(export_id=export_id, actor=request.user)
    name = f"{request.organization.slug}-{export.requested_at:%Y-%m-%d}.zip"
    return StreamingHttpResponse(
        pieces,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(export.size_bytes)},
    )


@require_POST
@organization_view(needs=Capability.MANAGE_ORGANIZATION)
def deletion_view(request: OrganizationRequest) -> HttpResponse:
    confirmation = request.POST.get("confirmation", "").strip()
    try:
        request_deletion(confirmation=confirmation, actor=request.user)
    except PlumblineError as error:
        return _page(request, status=error.status, confirmation=confirmation, deletion_error=error.detail)
    return redirect("settings_data", slug=request.organization.slug)


@require_POST
@organization_view(needs=Capability.MANAGE_ORGANIZATION)
def deletion_cancel_view(request: OrganizationRequest) -> HttpResponse:
    try:
        cancel_deletion(actor=request.user)
    except PlumblineError as error:
        return _page(request, status=error.status, deletion_error=error.detail)
    messages.success(request, "The deletion is called off. Everything stays.")
    return redirect("settings_data", slug=request.organization.slug)


def _page(request: OrganizationRequest, status: int = 200, **context: Any) -> HttpResponse:
    exports = recent_exports()
    context = {
        "tab": "settings_data",
        "days": request.organization.retention_days or "",
        "least_days": LEAST_DAYS,
        "most_days": MOST_DAYS,
        "exports": exports,
        "is_building": any(export.status == ExportStatus.REQUESTED for export in exports),
        **context,
    }
    return render(request, "settings/data.html", context, status=status)
