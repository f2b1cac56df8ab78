"""Which policies check the same: linked and unlinked on the page of one of them."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from common.errors import PlumblineError
from compliance.services.links import link_policies, unlink_policies
from dashboards.access import OrganizationRequest, organization_view
from organizations.permissions import Capability


@require_POST
@organization_view(needs=Capability.MANAGE_POLICIES)
def policy_link(request: OrganizationRequest, policy_slug: str) -> HttpResponse:
    other = request.POST.get("other", "").strip()
    try:
        link_policies(slug=policy_slug, other=other, actor=request.user)
    except PlumblineError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, f"{policy_slug} and {other} check the same.")
    return redirect("policy", slug=request.organization.slug, policy_slug=policy_slug)


@require_POST
@organization_view(needs=Capability.MANAGE_POLICIES)
def policy_unlink(request: OrganizationRequest, policy_slug: str) -> HttpResponse:
    unlink_policies(slug=policy_slug, other=request.POST.get("other", ""), actor=request.user)
    messages.success(request, "They are not linked any more.")
    return redirect("policy", slug=request.organization.slug, policy_slug=policy_slug)
