"""An organization's own policies, to bring in and to retire."""

from typing import ClassVar

from django.conf import settings
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import TooLarge, Unprocessable
from compliance.selectors.filters import Filters
from compliance.selectors.policies import policy_row
from compliance.services.importing.outcomes import ImportOutcome
from compliance.services.importing.reading import PolicyFile
from compliance.services.policies import import_policies, retire_policy
from organizations.api.views import OrganizationAPIView
from organizations.permissions import Capability

from .documentation import operation
from .import_serializers import ImportOutcomeSerializer, PolicyImportSerializer, PolicyUploadSerializer
from .library_serializers import PolicyDetailSerializer

MAX_FIELDS = 20
_JSON_FACTOR = 2  # a text with many quotes or line ends is longer in JSON


class PolicyImport(OrganizationAPIView):
    needs: ClassVar[dict[str, Capability]] = {"POST": Capability.MANAGE_POLICIES}
    parser_classes = (JSONParser, MultiPartParser)

    @operation(
        "policies_import",
        summary="Import own policies; JSON, or multipart/form-data with any number of files under `files`",
        tag="policies",
        request={"application/json": PolicyImportSerializer, "multipart/form-data": PolicyUploadSerializer},
        answers=ImportOutcomeSerializer,
        also=(409, 413, 422),
    )
    def post(self, request: Request, slug: str) -> Response:
        outcome = import_policies(files=_files(request), actor=request.user)
        if not outcome.accepted_count:
            raise _nothing(outcome)
        return Response(ImportOutcomeSerializer(outcome).data)


class PolicyRetirement(OrganizationAPIView):
    needs: ClassVar[dict[str, Capability]] = {"POST": Capability.MANAGE_POLICIES}

    @operation(
        "policies_retire",
        summary="Retire an own policy; its history stays, and importing it again restores it",
        tag="policies",
        answers=PolicyDetailSerializer,
        also=(409,),
    )
    def post(self, request: Request, slug: str, policy: str) -> Response:
        retire_policy(slug=policy, actor=request.user)
        row = policy_row(policy, Filters())
        return Response(PolicyDetailSerializer(row).data)


def _files(request: Request) -> list[PolicyFile]:
    """The files of a form or of a JSON object. Raises TooLarge by the length announced, before the body is read."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not announced.isdecimal() or int(announced) > settings.UPLOAD_MAX_BYTES * _JSON_FACTOR:
        raise TooLarge(f"The files are over {settings.UPLOAD_MAX_BYTES} bytes together. Send them in parts.")
    if request.content_type.startswith("multipart/"):
        return [PolicyFile(file.name, file.read()) for _, files in request.FILES.lists() for file in files]
    wanted = PolicyImportSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    return [
        PolicyFile(file["name"], file["content"].encode(errors="surrogatepass"))
        for file in wanted.validated_data["files"]
    ]


def _nothing(outcome: ImportOutcome) -> Unprocessable:
    fields = {
        document.place: ": ".join(filter(None, (document.field, document.reason)))
        for document in outcome.documents
        if document.reason
    }
    return Unprocessable(
        "Nothing was imported: none of the documents is a policy that can be used.",
        code="nothing_imported",
        fields=dict(list(fields.items())[:MAX_FIELDS]),
    )
