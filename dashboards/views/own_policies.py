"""An organization's own policies: importing them, and retiring one."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from common.errors import NotFound, PlumblineError
from compliance.selectors.policies import policy_detail
from compliance.services.importing.outcomes import DocumentOutcome, ImportOutcome
from compliance.services.importing.reading import PolicyFile
from compliance.services.policies import import_policies, retire_policy
from dashboards.access import OrganizationRequest, organization_view
from organizations.permissions import Capability

PASTED = "pasted.yaml"
OUTCOMES = {
    "imported": ("Imported", "good", "resolved"),
    "replaced": ("Replaced", "good", "resolved"),
    "restored": ("Restored", "good", "resolved"),
    "unchanged": ("Unchanged", "neutral", "check"),
    "refused": ("Refused", "high", "warning"),
    "attached": ("Attached", "neutral", "check"),
    "ignored": ("Ignored", "neutral", "info"),
}


@require_http_methods(["GET", "POST"])
@organization_view(needs=Capability.MANAGE_POLICIES)
def policy_import(request: OrganizationRequest) -> HttpResponse:
    """The form; after it is sent, what became of each document, above the form with what is to be mended."""
    text = request.POST.get("text", "") or _written(request.GET.get("again", ""))
    outcome, error, status = ImportOutcome(), "", 200
    if request.method == "POST":
        try:
            outcome = import_policies(files=_files(request, request.POST.get("text", "")), actor=request.user)
            status = 200 if outcome.accepted_count else 422
        except PlumblineError as refusal:
            error, status = refusal.detail, refusal.status
    context = {
        "text": text if request.method == "GET" or error or outcome.refused_count else "",
        "error": error,
        "outcome": outcome,
        "rows": [(document, *OUTCOMES[document.outcome]) for document in _worst_first(outcome)],
    }
    return render(request, "policies/import.html", context, status=status)


@require_POST
@organization_view(needs=Capability.MANAGE_POLICIES)
def policy_retire(request: OrganizationRequest, policy_slug: str) -> HttpResponse:
    try:
        policy = retire_policy(slug=policy_slug, actor=request.user)
        messages.success(request, f"{policy.title} is retired. Its history stays; importing it again restores it.")
    except NotFound as error:
        raise Http404(error.detail) from error
    except PlumblineError as error:
        messages.warning(request, error.detail)
    return redirect("policy", slug=request.organization.slug, policy_slug=policy_slug)


def _written(slug: str) -> str:
    """The documents of an own policy, to change or to restore it; "" for anything else."""
    try:
        policy = policy_detail(slug.replace("\x00", "")) if slug else None
    except NotFound:
        return ""
    return "---\n".join(source["text"] for source in policy.sources) if policy else ""


def _files(request: OrganizationRequest, text: str) -> list[PolicyFile]:
    """What was pasted, if anything, then what was uploaded; a field left empty sends an empty file without a name."""
    pasted = [PolicyFile(PASTED, text.encode(errors="surrogatepass"))] if text.strip() else []
    return pasted + [PolicyFile(file.name or "", file.read()) for file in request.FILES.getlist("files")]


def _worst_first(outcome: ImportOutcome) -> list[DocumentOutcome]:
    """Refusals, then policies, then the rest; each in the order of files and lines."""
    ranks = {"refused": 0, "imported": 1, "replaced": 1, "restored": 1, "unchanged": 2, "attached": 3, "ignored": 4}
    return sorted(outcome.documents, key=lambda document: ranks[document.outcome])
