"""How the API spells what it reads: Kubernetes' names for Kubernetes' things, words for severities."""

from typing import Any

from rest_framework import serializers

from clusters.models import Environment, ReportStatus
from compliance.models import Severity, ViolationStatus
from compliance.selectors.filters import SEVERITY_WORDS


class SeverityField(serializers.ChoiceField):
    """A severity as its word."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(SEVERITY_WORDS), **kwargs)

    def to_representation(self, value: Any) -> str | None:
        return Severity(value).label.lower() if value else None


class SlugsField(serializers.ListField):
    """Things by their slugs."""

    child = serializers.CharField()

    def to_representation(self, value: Any) -> list[str]:
        return [thing.slug for thing in value]


class OrganizationSerializer(serializers.Serializer):
    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField(help_text="Your role in it.")


class OrganizationListSerializer(serializers.Serializer):
    results = OrganizationSerializer(many=True)


class PostureSerializer(serializers.Serializer):
    """Weighted checks; a score never stands without its coverage."""

    score = serializers.FloatField(allow_null=True, help_text="passed ÷ evaluated, 0 to 1, or null.")
    coverage = serializers.FloatField(allow_null=True, help_text="evaluated ÷ applicable, 0 to 1.")
    passed = serializers.IntegerField()
    failed = serializers.IntegerField()
    errored = serializers.IntegerField()
    skipped = serializers.IntegerField()
    unreported = serializers.IntegerField()


class OpenCountsSerializer(serializers.Serializer):
    """Open violations by severity."""

    critical = serializers.IntegerField()
    high = serializers.IntegerField()
    medium = serializers.IntegerField()
    low = serializers.IntegerField()


class PlaceSerializer(serializers.Serializer):
    cluster = serializers.CharField(source="cluster.name")
    namespace = serializers.CharField(help_text="Empty for cluster-scoped resources.")
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    posture = PostureSerializer()
    open = OpenCountsSerializer()


class CategorySerializer(serializers.Serializer):
    category = serializers.CharField()
    posture = PostureSerializer()


class PostureNowSerializer(serializers.Serializer):
    posture = PostureSerializer()
    open = OpenCountsSerializer()
    categories = CategorySerializer(many=True, help_text="Of policies: each with what is in view of it.")
    place_count = serializers.IntegerField(help_text="Places that have something open.")
    places = PlaceSerializer(many=True, help_text="The `limit` hottest of them, by the weight of what is open.")


class PostureDaySerializer(serializers.Serializer):
    day = serializers.DateField()
    posture = PostureSerializer()
    open = OpenCountsSerializer()
    opened_count = serializers.IntegerField()
    resolved_count = serializers.IntegerField()


class PostureHistorySerializer(serializers.Serializer):
    days = PostureDaySerializer(many=True)


class ClusterSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    environment = serializers.ChoiceField(choices=Environment.choices)
    created_at = serializers.DateTimeField()
    last_received_at = serializers.DateTimeField(allow_null=True)
    last_scanned_at = serializers.DateTimeField(allow_null=True)
    agent_name = serializers.CharField()
    agent_version = serializers.CharField()
    resource_count = serializers.IntegerField()
    unreported_resource_count = serializers.IntegerField()


class ClusterRegistrationSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=63, help_text="Lowercase letters, digits and hyphens.")
    environment = serializers.ChoiceField(choices=Environment.choices)


class AgentTokenSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    prefix = serializers.CharField(help_text="The beginning of the token, to tell it from others.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class IssuedTokenSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    token = serializers.CharField(help_text="Shown this once; only its digest is kept.")
    prefix = serializers.CharField()


class RegisteredClusterSerializer(serializers.Serializer):
    cluster = ClusterSerializer()
    token = serializers.CharField(help_text="The agent's token, shown this once.")


class ResourceReferenceSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    apiVersion = serializers.CharField(source="api_version")
    kind = serializers.CharField()
    namespace = serializers.CharField(help_text="Empty when the resource lies in no namespace.")
    name = serializers.CharField()


class ResourceSerializer(ResourceReferenceSerializer):
    cluster = serializers.CharField(source="cluster.name")
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    file = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    open_count = serializers.IntegerField(help_text="Open violations.")
    worst_severity = SeverityField(allow_null=True)
    first_seen_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


class VerdictsSerializer(serializers.Serializer):
    """Slugs of policies by what each said."""

    passed = SlugsField()
    failed = SlugsField()
    errored = SlugsField()
    skipped = SlugsField()


class ResourceDetailSerializer(ResourceSerializer):
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True))
    manifest = serializers.JSONField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    verdicts = VerdictsSerializer()
    posture = PostureSerializer(source="verdicts.posture")


class ViolationSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=ViolationStatus.choices)
    severity = SeverityField()
    policy = serializers.CharField(source="policy.slug")
    title = serializers.CharField(source="policy.title")
    rule = serializers.CharField()
    cluster = serializers.CharField(source="cluster.name")
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    resource = ResourceReferenceSerializer()
    path = serializers.CharField(help_text="The field, with list indexes.")
    place = serializers.CharField(help_text="The field, with list members by name: stable under reordering.")
    found = serializers.JSONField(allow_null=True, help_text="The value there; null when absent.")
    message = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    fix = serializers.JSONField(allow_null=True, help_text="RFC 6902 patch of the whole manifest, or null.")
    first_seen_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    reopened_count = serializers.IntegerField()
    exception = serializers.CharField(help_text="The exception that covers it; empty unless it is excepted.")


class IntervalSerializer(serializers.Serializer):
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    close_reason = serializers.CharField(
        help_text="passed or deleted: resolved; excepted: an exception took hold; ended: it no longer does."
    )
    exception = serializers.CharField(help_text="The exception that covered the violation; empty while it was open.")


class ViolationDetailSerializer(ViolationSerializer):
    intervals = IntervalSerializer(many=True, source="intervals_in_order")
    diff = serializers.CharField(allow_null=True, help_text="The fix as a unified diff of the YAML, or null.")
    why = serializers.CharField()
    guidance = serializers.CharField()


class ReportSerializer(serializers.Serializer):
    id = serializers.UUIDField(help_text="The server's own.")
    report_id = serializers.UUIDField(help_text="The sender's.")
    cluster = serializers.CharField(source="cluster.name")
    kind = serializers.ChoiceField(choices=["snapshot", "delta"])
    status = serializers.ChoiceField(choices=ReportStatus.choices)
    scanned_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(allow_null=True)
    resource_count = serializers.IntegerField()
    result_count = serializers.IntegerField()
    opened_count = serializers.IntegerField()
    resolved_count = serializers.IntegerField()
    attempt_count = serializers.IntegerField()
    error = serializers.CharField(help_text="Why it is parked; empty otherwise.")
