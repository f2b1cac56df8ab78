"""Clusters: who reports, who has gone silent, and what their agents sign with."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clusters.models import AgentToken, Cluster, Environment, Report, ReportStatus
from clusters.services.clusters import register_cluster
from clusters.services.tokens import issue_agent_token, revoke_agent_token
from common.errors import NotFound, PlumblineError
from compliance.selectors.directory import Directory
from compliance.selectors.filters import parse_filters
from compliance.selectors.fleet import (
    MOST_CLUSTERS,
    FleetRow,
    cluster_by_id,
    fleet_numbers,
    fleet_page,
    fleet_rows,
    recent_reports,
)
from dashboards.access import OrganizationRequest, organization_view
from dashboards.context import cluster_choices
from dashboards.paging import page_or_first
from organizations.permissions import Capability, can

MOST_TOKENS = 50
REPORT_TONES = {"processed": "good", "accepted": "accent", "parked": "notice"}  # the others: neutral


@require_GET
@organization_view()
def clusters_view(request: OrganizationRequest) -> HttpResponse:
    directory = Directory(request.user)
    filters = parse_filters(request.GET, directory)
    page, is_restarted = page_or_first(lambda at: fleet_page(filters, cursor=at), request.GET.get("cursor"))
    numbers = fleet_numbers(filters)
    context = {
        "rows": [_fleet_row(request, row) for row in page.rows],
        "page": page,
        "next_cursor": page.next,
        "is_restarted": is_restarted,
        "filters": filters,
        "numbers": numbers,
        "offers_search": bool(filters.q) or numbers.cluster_count > MOST_CLUSTERS,
        "problems": filters.problems,
        "may_manage": can(request.membership.role, Capability.MANAGE_CLUSTERS),
        "is_empty": not numbers.cluster_count and not directory.has_clusters,
        "most_open": max((row.open.all for row in page.rows), default=0),
    }
    return render(request, "clusters/clusters.html", context)


@require_GET
@organization_view()
def cluster_choices_view(request: OrganizationRequest) -> HttpResponse:
    """What the scope's search found: clusters to choose, those chosen already first. Without scripts, their list."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:63]
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('clusters', args=[request.organization.slug])}?{urlencode({'q': text})}")
    context = {"choices": cluster_choices(request.GET.getlist("cluster"), text), "text": text}
    return render(request, "components/_cluster_choices.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@organization_view(needs=Capability.MANAGE_CLUSTERS)
def cluster_new_view(request: OrganizationRequest) -> HttpResponse:
    """The form; when it succeeds, the token, which is never shown again."""
    values = {
        "name": request.POST.get("name", "").strip(),
        "environment": request.POST.get("environment", Environment.PRODUCTION.value),
    }
    errors: dict[str, str] = {}
    detail = ""
    if request.method == "POST":
        try:
            cluster = register_cluster(**values, actor=request.user)
            _, secret = issue_agent_token(cluster_id=cluster.id, actor=request.user)
            return render(request, "clusters/token.html", _token_context(cluster, secret, is_new=True))
        except PlumblineError as error:
            errors, detail = error.fields, error.detail
    context = {"values": values, "errors": errors, "detail": detail, "environments": Environment.choices}
    return render(request, "clusters/new.html", context, status=400 if errors or detail else 200)


@require_GET
@organization_view()
def cluster_view(request: OrganizationRequest, cluster_id: UUID) -> HttpResponse:
    cluster = _cluster(cluster_id)
    filters = parse_filters(request.GET, Directory(request.user))
    row = fleet_rows([cluster], filters)[0]
    may_manage = can(request.membership.role, Capability.MANAGE_CLUSTERS)
    context = {
        **_fleet_row(request, row),
        "reports": [_report_event(request, report) for report in recent_reports(cluster)],
        "tokens": list(_tokens(cluster)[:MOST_TOKENS]) if may_manage else [],
        "most_tokens": MOST_TOKENS,
        "may_manage": may_manage,
        "chart_query": f"cluster={cluster.name}&range=90",
    }
    return render(request, "clusters/cluster.html", context)


@never_cache
@require_POST
@organization_view(needs=Capability.MANAGE_CLUSTERS)
def token_issue_view(request: OrganizationRequest, cluster_id: UUID) -> HttpResponse:
    cluster = _cluster(cluster_id)
    _, secret = issue_agent_token(cluster_id=cluster.id, actor=request.user)
    return render(request, "clusters/token.html", _token_context(cluster, secret, is_new=False))


@require_POST
@organization_view(needs=Capability.MANAGE_CLUSTERS)
def token_revoke_view(request: OrganizationRequest, cluster_id: UUID, token_id: UUID) -> HttpResponse:
    cluster = _cluster(cluster_id)
    if not _tokens(cluster).filter(pk=token_id).exists():
        raise Http404("There is no such token.")
    token = revoke_agent_token(token_id=token_id, actor=request.user)
    messages.success(request, f"Token {token.prefix}… is revoked. Reports signed with it get 401 from now on.")
    return redirect("cluster", slug=request.organization.slug, cluster_id=cluster.id)


def _cluster(cluster_id: UUID) -> Cluster:
    try:
        return cluster_by_id(cluster_id)
    except NotFound as error:
        raise Http404(error.detail) from error


def _tokens(cluster: Cluster) -> Any:
    """Those that are good, newest first; then those revoked, the last one first."""
    good_first = F("revoked_at").desc(nulls_first=True)
    return AgentToken.objects.filter(cluster=cluster).order_by(good_first, "-created_at")


def _fleet_row(request: OrganizationRequest, row: FleetRow) -> dict[str, Any]:
    slug = request.organization.slug
    return {
        "row": row,
        "cluster": row.cluster,
        "counts": row.open.by_word(),
        "url": reverse("cluster", args=[slug, row.cluster.id]),
        "fix_url": f"{reverse('fix', args=[slug])}?cluster={row.cluster.name}",
        "posture_url": f"{reverse('posture', args=[slug])}?cluster={row.cluster.name}",
    }


def _report_event(request: OrganizationRequest, report: Report) -> dict[str, Any]:
    """A report as an event of the timeline: what it changed, or why it waits."""
    changes = [
        f"{report.opened_count} opened" if report.opened_count else "",
        f"{report.resolved_count} resolved" if report.resolved_count else "",
    ]
    outcome = ", ".join(filter(None, changes)) or "no change"
    text = {
        "processed": f"{report.get_kind_display()} of {report.resource_count:,} resources: {outcome}",
        "superseded": f"{report.get_kind_display()} superseded by a newer one before it was merged",
        "accepted": f"{report.get_kind_display()} accepted, waiting to be merged",
        "parked": f"{report.get_kind_display()} parked after {report.attempt_count} attempts",
        "dismissed": f"{report.get_kind_display()} parked, then dismissed: it was not merged",
    }[report.status]
    scanned = f"Scanned {report.scanned_at:%Y-%m-%d %H:%M} UTC · {report.body_bytes / 1024:,.0f} KiB"
    may_retry = report.status == ReportStatus.PARKED and can(request.membership.role, Capability.RETRY_REPORTS)
    retry_url = reverse("report_retry", args=[request.organization.slug, report.cluster_id, report.id])
    return {
        "at": report.received_at,
        "action_url": retry_url if may_retry else "",
        "action": "Try again",
        "text": text,
        "tone": REPORT_TONES.get(report.status, "neutral"),
        "detail": report.error or scanned,
    }


def _token_context(cluster: Cluster, secret: str, *, is_new: bool) -> dict[str, Any]:
    command = f"plumbline scan ./manifests --report-to {settings.BASE_URL} --token {secret}"
    return {"cluster": cluster, "secret": secret, "command": command, "is_new": is_new}
