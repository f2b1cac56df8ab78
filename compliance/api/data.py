"""What an organization owns, as an archive; and its deletion. For owners."""

from uuid import UUID

from django.db import transaction
from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import NotFound
from organizations.api.views import OrganizationAPIView
from organizations.models import Export, ExportStatus
from organizations.permissions import Capability
from organizations.selectors.exports import recent_exports
from organizations.services.deletion import cancel_deletion, request_deletion
from organizations.services.exports import read_export, request_export
from organizations.tasks import build_export_task

from .documentation import operation
from .pagination import refuse_unknown


class ExportSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=ExportStatus.choices)
    requested_by = serializers.CharField(source="requested_by.email", default=None, allow_null=True)
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    size_bytes = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 of the archive, hexadecimal; empty until it is ready.")
    error = serializers.CharField()


class ExportListSerializer(serializers.Serializer):
    results = ExportSerializer(many=True, help_text="The newest 20; archives are kept for seven days.")


class DeletionSerializer(serializers.Serializer):
    due_at = serializers.DateTimeField(
        source="deletion_due_at", allow_null=True, help_text="When everything goes; null when nobody asked for it."
    )


class DeletionRequestSerializer(serializers.Serializer):
    confirmation = serializers.CharField(max_length=63, help_text="The organization's name in URLs.")


class ExportList(OrganizationAPIView):
    needs = Capability.MANAGE_ORGANIZATION

    @operation("exports_list", summary="Archives, the newest first", tag="data", answers=ExportListSerializer)
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, ())
        return Response(ExportListSerializer({"results": recent_exports()}).data)

    @operation(
        "exports_request",
        summary="Have an archive built of everything that the organization owns",
        tag="data",
        answers=ExportSerializer,
        status=202,
        also=(409,),
    )
    def post(self, request: Request, slug: str) -> Response:
        export = request_export(actor=request.user)
        transaction.on_commit(
            lambda: build_export_task.delay(str(self.organization.pk), str(export.pk)),
            robust=True,  # without Redis the sweep of abandoned archives takes it up
        )
        return Response(ExportSerializer(export).data, status=202)


class ExportDetail(OrganizationAPIView):
    needs = Capability.MANAGE_ORGANIZATION

    @operation("exports_read", summary="One archive: whether it is ready", tag="data", answers=ExportSerializer)
    def get(self, request: Request, slug: str, export_id: UUID) -> Response:
        export = Export.objects.select_related("requested_by").filter(pk=export_id).first()
        if export is None:
            raise NotFound("There is no such export, or it has gone: exports are kept for seven days.")
        return Response(ExportSerializer(export).data)


class ExportDownload(OrganizationAPIView):
    needs = Capability.MANAGE_ORGANIZATION

    @operation(
        "exports_download",
        summary="The archive itself, a ZIP file. A POST, for that it was taken is put on record",
        tag="data",
        answers=bytes,
    )
    def post(self, request: Request, slug: str, export_id: UUID) -> StreamingHttpResponse:
        export, pieces = read_export(export_id=export_id, actor=request.user)
        name = f"{self.organization.slug}-{export.requested_at:%Y-%m-%d}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(export.size_bytes)}
        return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


class Deletion(OrganizationAPIView):
    needs = Capability.MANAGE_ORGANIZATION

    @operation(
        "deletion_read", summary="Whether the organization goes, and when", tag="data", answers=DeletionSerializer
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(DeletionSerializer(self.organization).data)

    @operation(
        "deletion_request",
        summary="Have the organization and everything of it deleted in 14 days",
        tag="data",
        request=DeletionRequestSerializer,
        answers=DeletionSerializer,
        status=202,
    )
    def post(self, request: Request, slug: str) -> Response:
        asked = DeletionRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        organization = request_deletion(confirmation=asked.validated_data["confirmation"], actor=request.user)
        return Response(DeletionSerializer(organization).data, status=202)

    @operation(
        "deletion_cancel",
        summary="Keep the organization after all",
        tag="data",
        answers=DeletionSerializer,
        also=(409,),
    )
    def delete(self, request: Request, slug: str) -> Response:
        return Response(DeletionSerializer(cancel_deletion(actor=request.user)).data)
