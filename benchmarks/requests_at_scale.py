"""The pages and lists that `reading` asks for, each as somebody who may see it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

# Team 7 has something at either size.
SCOPES = {
    "": "",
    "cluster": "cluster=cluster-0001",
    "environment": "environment=production",
    "namespace": "namespace=kube-system",
    "team": "team=team-7",
    "past day": "as_of={day}",
}


def requests_at_scale() -> Iterator[tuple[str, Any, str]]:
    """(name, signed-in client, path) of each request. Django must be set up."""
    from django.test import Client

    from common.clock import today
    from organizations.models import Organization, User
    from organizations.scope import directory_scope, organization_scope

    olivia, acme = Client(), "/o/acme"
    user = User.objects.get(email="olivia@acme.example")
    olivia.force_login(user)
    with directory_scope():
        organization = Organization.objects.get(slug="acme")
    with organization_scope(organization.pk):
        dev = _member(organization, "dev@acme.example", "developer", teams=["team-7", "team-9"])
        auditor = _member(organization, "aud@acme.example", "auditor", teams=[])
        known = _known()
    day = (today() - timedelta(days=100)).isoformat()
    yield from ((f"fix {name}".strip(), olivia, f"{acme}/fix?{query}") for name, query in _fix(day, known))
    yield "fix as developer", dev, f"{acme}/fix"
    yield "workloads as developer", dev, f"{acme}/workloads"
    yield "violations as developer", dev, "/api/v1/organizations/acme/violations"
    for page in ("fix", "posture", "activity"):
        yield f"{page} as auditor", auditor, f"{acme}/{page}"
    for page in ("posture", "policies", "standards", "clusters"):
        for name, query in SCOPES.items():
            yield f"{page} {name}".strip(), olivia, f"{acme}/{page}?{query.format(day=day)}"
    fragments = Client(HTTP_HX_REQUEST="true")
    fragments.force_login(user)
    yield "scope choices", fragments, f"{acme}/clusters/choices?q=99"
    for name, path in _others(day, known):
        yield name, olivia, f"{acme}/{path}"
    for name, path in _api(day, known):
        yield f"API {name}", olivia, f"/api/v1/organizations/acme/{path}"
    yield from _deep(olivia)


def _member(organization: Any, email: str, role: str, *, teams: list[str]) -> Any:
    """Signed in as a member with this role, in these teams."""
    from django.test import Client

    from organizations.models import Membership, Team, TeamMembership, User

    user, _ = User.objects.get_or_create(email=email, defaults={"name": f"A {role}"})
    Membership.objects.get_or_create(organization=organization, user=user, defaults={"role": role})
    TeamMembership.objects.filter(user=user).exclude(team__slug__in=teams).delete()
    for team in Team.objects.filter(slug__in=teams):
        TeamMembership.objects.get_or_create(organization=organization, team=team, user=user)
    client = Client()
    client.force_login(user)
    return client


def _known() -> dict[str, Any]:
    """Of each kind one that is there: a policy that much fails and one that little fails, a resource, a violation."""
    from django.db.models import Sum

    from clusters.models import Cluster, Report, Resource
    from compliance.models import FleetCount, Violation

    failing = FleetCount.objects.filter(dimension="").values_list("policy__slug").annotate(n=Sum("open_count"))
    slugs = [slug for slug, number in failing.order_by("-n") if number]
    return {
        "common": slugs[0],
        "rare": slugs[-1],
        "cluster": Cluster.objects.get(name="cluster-0001").pk,
        "resource": Resource.objects.filter(open_count__gt=0).first().pk,
        "violation": Violation.objects.filter(status="open").first().pk,
        "report": Report.objects.filter(status="processed").first().pk,
    }


def _fix(day: str, known: dict[str, Any]) -> list[tuple[str, str]]:
    scoped = [(name, query.format(day=day)) for name, query in SCOPES.items()]
    return [
        *scoped,
        ("by policy", "group=policy"),
        ("ungrouped", "group=none"),
        ("critical", "severity=critical"),
        ("low", "severity=low"),
        ("common policy", f"policy={known['common']}"),
        ("rare policy", f"policy={known['rare']}"),
        ("standard", "standard=pss-restricted"),
        ("category", "category=images"),
        ("text, common", "q=checkout"),
        ("text, rare", "q=ledger-1-3"),
        ("text, none", "q=zebra"),
        ("resolved", "status=resolved"),
        ("excepted", "status=excepted"),
        ("past day ungrouped", f"as_of={day}&group=none"),
        ("past day of a cluster", f"as_of={day}&cluster=cluster-0001"),
        ("critical of a team", "severity=critical&team=team-7"),
    ]


def _others(day: str, known: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("posture 90 days", "posture?range=90"),
        ("posture by team", "posture/teams"),
        ("posture trend", "posture/charts/trend.json?range=90"),
        ("posture flow", "posture/charts/flow.json?range=90"),
        ("posture policies", "posture/charts/policies.json"),
        ("workloads", "workloads"),
        ("workloads, all kinds", "workloads?kind=all"),
        ("workloads by name", "workloads?sort=name"),
        ("workloads by change", "workloads?sort=-changed"),
        ("workloads critical", "workloads?severity=critical"),
        ("workloads of a policy", f"workloads?policy={known['rare']}"),
        ("workloads with a text", "workloads?q=ledger-1-3"),
        ("workload", f"workloads/{known['resource']}"),
        ("violation", f"violations/{known['violation']}"),
        ("policy", f"policies/{known['common']}"),
        ("policy on a past day", f"policies/{known['common']}?as_of={day}"),
        ("standard", "standards/pss-restricted"),
        ("cluster", f"clusters/{known['cluster']}"),
        ("clusters with a text", "clusters?q=99"),
        ("ingestion", "clusters/ingestion"),
        ("search", "search?q=ledger-1-3"),
        ("search, common", "search?q=checkout"),
        ("activity", "activity"),
        ("settings", "settings"),
        ("settings teams", "settings/teams"),
        ("settings data", "settings/data"),
        ("settings tokens", "settings/tokens"),
    ]


def _api(day: str, known: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("violations", "violations"),
        ("violations low", "violations?severity=low"),
        ("violations of a policy", f"violations?policy={known['rare']}"),
        ("violations of a standard", "violations?standard=pss-restricted"),
        ("violations of a team", "violations?team=team-7"),
        ("violations of an environment", "violations?environment=sandbox"),
        ("violations of a category", "violations?category=images"),
        ("violations with a text", "violations?q=ledger-1-3"),
        ("violations with a common text", "violations?q=checkout"),
        ("violations resolved", "violations?status=resolved"),
        ("violations of any status", "violations?status=all"),
        ("violations on a past day", f"violations?as_of={day}"),
        ("violation", f"violations/{known['violation']}"),
        ("resources", "resources"),
        ("resources of a policy", f"resources?policy={known['rare']}"),
        ("resources by name", "resources?ordering=name"),
        ("resource", f"resources/{known['resource']}"),
        ("policies", "policies"),
        ("policies on a past day", f"policies?as_of={day}"),
        ("policy", f"policies/{known['common']}"),
        ("standards", "standards"),
        ("standard", "standards/pss-restricted"),
        ("posture", "posture"),
        ("posture history", "posture/history?days=365"),
        ("clusters", "clusters"),
        ("cluster", f"clusters/{known['cluster']}"),
        ("tokens of a cluster", f"clusters/{known['cluster']}/tokens"),
        ("ingestion", "ingestion"),
        ("reports", "reports"),
        ("report", f"reports/{known['report']}"),
    ]


def _deep(client: Any) -> Iterator[tuple[str, Any, str]]:
    """The second page and one far down each list, by following its cursors."""
    for name, query in {
        "violations": "violations?limit=200",
        "violations resolved": "violations?limit=200&status=resolved",
        "resources": "resources?limit=200",
        "clusters": "clusters?limit=2",
        "reports": "reports?limit=20",
    }.items():
        url = f"/api/v1/organizations/acme/{query}"
        for page in range(2, 21):
            url = client.get(url).json()["next"] or url
            if page in (2, 20):
                yield f"API {name}, page {page}", client, url
    for name, query in {
        "fix": "fix",
        "fix ungrouped": "fix?group=none",
        "fix resolved": "fix?status=resolved",
        "workloads": "workloads",
        "clusters": "clusters",
    }.items():
        url = f"/o/acme/{query}"
        for page in range(2, 11):
            url = _next_page(client, url)
            if page in (2, 10):
                yield f"{name}, page {page}", client, url


def _next_page(client: Any, url: str) -> str:
    """Where the page links on to; the page itself when it is the last, as in a small organization."""
    link = re.search(r'rel="next" href="([^"]+)"', client.get(url).content.decode())
    return url.partition("?")[0] + unescape(link[1]) if link else url
