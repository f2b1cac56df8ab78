"""Ingestion health: how the reports of each cluster come in, and what becomes of those that are parked."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from clusters.models import Report
from common.errors import PlumblineError
from compliance.selectors.directory import Directory
from compliance.selectors.filters import parse_filters
from compliance.selectors.ingestion import (
    Intake,
    intake_numbers,
    intakes,
    most_troubled,
    parked_reports,
    with_days,
)
from compliance.services.dismissals import dismiss_report
from compliance.services.retries import retry_report
from dashboards.access import OrganizationRequest, organization_view
from dashboards.templatetags.words import duration_words
from organizations.permissions import Capability, can


@require_GET
@organization_view()
def ingestion_view(request: OrganizationRequest) -> HttpResponse:
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    numbers = intake_numbers(filters)
    context = {
        "rows": [_row(request, row) for row in with_days(intakes(most_troubled(filters)))],
        "parked": parked_reports(filters),
        "problems": filters.problems,
        "may_retry": can(request.membership.role, Capability.RETRY_REPORTS),
        "is_empty": not numbers.cluster_count and not directory.has_clusters,
        "numbers": numbers,
    }
    return render(request, "clusters/ingestion.html", context)


@require_POST
@organization_view(needs=Capability.RETRY_REPORTS)
def report_retry_view(request: OrganizationRequest, cluster_id: UUID, report_id: UUID) -> HttpResponse:
    _require_report(cluster_id, report_id)
    try:
        retry_report(report_id=report_id, actor=request.user)
        messages.success(request, "The report is in the queue again.")
    except PlumblineError as error:
        messages.warning(request, error.detail)
    return _back(request, cluster_id)


@require_POST
@organization_view(needs=Capability.RETRY_REPORTS)
def report_dismiss_view(request: OrganizationRequest, cluster_id: UUID, report_id: UUID) -> HttpResponse:
    _require_report(cluster_id, report_id)
    try:
        dismiss_report(report_id=report_id, actor=request.user)
        messages.success(request, "The report is dismissed. A newer snapshot of the cluster makes up for it.")
    except PlumblineError as error:
        messages.warning(request, error.detail)
    return _back(request, cluster_id)


def _require_report(cluster_id: UUID, report_id: UUID) -> None:
    if not Report.objects.filter(pk=report_id, cluster_id=cluster_id).exists():
        raise Http404("There is no such report.")


def _back(request: OrganizationRequest, cluster_id: UUID) -> HttpResponse:
    """To the page that the button stood on."""
    slug = request.organization.slug
    if request.POST.get("from") == "ingestion":
        return redirect("ingestion", slug=slug)
    return redirect("cluster", slug=slug, cluster_id=cluster_id)


def _row(request: OrganizationRequest, row: Intake) -> dict[str, Any]:
    cluster = row.cluster
    return {
        "intake": row,
        "arrival": {"freshness": row.freshness, "cluster": cluster},  # parked reports have a column of their own
        "cluster": cluster,
        "url": reverse("cluster", args=[request.organization.slug, cluster.id]),
        "accepted_count": sum(row.reports_by_day),
        "skew": _skew(row),
        "missing": _missing(row),
    }


def _skew(row: Intake) -> str:
    """The sender's clock in words; '' when it is right, or not told."""
    seconds = row.cluster.clock_skew_seconds
    if seconds is None or not row.has_skew:
        return ""
    return f"Clock {duration_words(abs(seconds))} {'ahead' if seconds > 0 else 'behind'}"


def _missing(row: Intake) -> str:
    """What the newest report left out, in words; '' for nothing."""
    parts = [
        f"{row.truncated_count:,} cut off" if row.truncated_count else "",
        f"{row.cluster.unreadable_resource_count:,} unreadable" if row.cluster.unreadable_resource_count else "",
    ]
    return ", ".join(filter(None, parts))
