"""How reports come in, cluster by cluster."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.models import Cluster
from compliance.selectors.directory import Directory
from compliance.selectors.filters import strict_filters, within
from compliance.selectors.ingestion import intakes, with_days
from compliance.selectors.keyset import Keyset
from organizations.api.views import OrganizationAPIView

from .documentation import operation, page_of
from .pagination import LIST_PARAMETERS, cursor_of, limit_of, page_response, refuse_unknown


class RefusalSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="As in the error that the sender got.")
    count = serializers.IntegerField(help_text="Today and yesterday (UTC).")
    last_at = serializers.DateTimeField()
    last_detail = serializers.CharField(help_text="What the sender was told last.")


class IntakeSerializer(serializers.Serializer):
    """How the reports of one cluster come in."""

    cluster = serializers.CharField(source="cluster.name")
    freshness = serializers.ChoiceField(choices=["never", "stale", "fresh"])
    troubles = serializers.ListField(
        child=serializers.ChoiceField(
            choices=["parked", "refused", "late", "never", "silent", "incomplete", "skew"]
        ),
        help_text="What is wrong, the worst first; empty when all is well.",
    )
    last_received_at = serializers.DateTimeField(source="cluster.last_received_at", allow_null=True)
    last_scanned_at = serializers.DateTimeField(source="cluster.last_scanned_at", allow_null=True)
    agent_name = serializers.CharField(source="cluster.agent_name")
    agent_version = serializers.CharField(source="cluster.agent_version")
    clock_skew_seconds = serializers.FloatField(
        source="cluster.clock_skew_seconds",
        allow_null=True,
        help_text="By how much the sender's clock is ahead; null when it does not tell its time.",
    )
    waiting_count = serializers.IntegerField(help_text="Reports accepted and not yet settled.")
    waiting_bytes = serializers.IntegerField(help_text="Their bodies as kept, compressed.")
    waiting_since = serializers.DateTimeField(allow_null=True)
    parked_count = serializers.IntegerField()
    truncated_count = serializers.IntegerField(help_text="Resources that the newest report left out.")
    unreadable_count = serializers.IntegerField(
        source="cluster.unreadable_resource_count", help_text="Resources that its sender could not read."
    )
    reports_by_day = serializers.ListField(
        child=serializers.IntegerField(), help_text="Reports accepted on each of the last 14 UTC days, today the last."
    )
    refusals = RefusalSerializer(many=True)


BY_NAME = Keyset((("name", str),))


class IngestionList(OrganizationAPIView):
    accepted = ("cluster", "environment", *LIST_PARAMETERS)

    @operation(
        "ingestion_list",
        summary="Ingestion health of each cluster, by name",
        tag="reports",
        answers=page_of(IntakeSerializer),
        parameters=accepted,
    )
    def get(self, request: Request, slug: str) -> Response:
        refuse_unknown(request, self.accepted)
        filters = strict_filters(request.query_params, Directory(request.user))
        found = Cluster.objects.filter(within(filters, prefix=""))
        page = BY_NAME.page(found, cursor=cursor_of(request), limit=limit_of(request))
        return page_response(request, page, IntakeSerializer(with_days(intakes(page.rows)), many=True).data)
