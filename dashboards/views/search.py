"""What bears a name: resources, policies, clusters and teams."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from compliance.selectors.search import search
from dashboards.access import OrganizationRequest, organization_view
from dashboards.fragments import render_part


@require_safe
@organization_view()
def search_results(request: OrganizationRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:253]
    context = {"text": text, "found": search(text)}
    return render_part(request, "search/page.html", {"results": "search/_results.html"}, context)
