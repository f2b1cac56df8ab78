"""How the API spells policies and standards, with where the organization stands on each."""

from typing import Any

from rest_framework import serializers

from compliance.models import PolicyFormat
from compliance.selectors.filters import LIBRARY, OWN

from .serializers import PostureSerializer, SeverityField, SlugsField


class CountsSerializer(serializers.Serializer):
    """Resources by verdict."""

    passed = serializers.IntegerField()
    failed = serializers.IntegerField()
    errored = serializers.IntegerField()
    skipped = serializers.IntegerField()


class OriginField(serializers.ChoiceField):
    """Whose a policy is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[LIBRARY, OWN], **kwargs)

    def to_representation(self, value: Any) -> str:
        return OWN if value else LIBRARY


class PolicySerializer(serializers.Serializer):
    slug = serializers.CharField(source="policy.slug")
    title = serializers.CharField(source="policy.title")
    category = serializers.CharField(source="policy.category")
    severity = SeverityField(source="policy.severity")
    origin = OriginField(source="policy.is_own", help_text="The library, or the organization's own.")
    format = serializers.ChoiceField(
        source="policy.format", choices=PolicyFormat.choices, help_text="What it is written in."
    )
    engine = serializers.CharField(source="policy.engine", help_text="What evaluates it.")
    counts = CountsSerializer()
    open_count = serializers.IntegerField(help_text="Open violations.")
    retired_at = serializers.DateTimeField(source="policy.retired_at", allow_null=True)


class PolicySourceSerializer(serializers.Serializer):
    file = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    text = serializers.CharField()


class FailedTestSerializer(serializers.Serializer):
    name = serializers.CharField()
    differences = serializers.ListField(child=serializers.CharField())


class OwnTestsSerializer(serializers.Serializer):
    """What a policy's own tests gave when it was imported."""

    engine = serializers.CharField(help_text="What they ran on.")
    file = serializers.CharField()
    passed = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    failed = FailedTestSerializer(many=True, help_text="The first 50.")


class PolicyDetailSerializer(PolicySerializer):
    document = serializers.JSONField(
        source="policy.document", help_text="The policy in Plumbline's form; without rules when it is in another."
    )
    sources = PolicySourceSerializer(
        source="policy.sources", many=True, help_text="Of an own policy: its documents as imported."
    )
    tests = OwnTestsSerializer(source="policy.tests", allow_null=True)
    imported_at = serializers.DateTimeField(source="policy.imported_at", allow_null=True)
    standards = SlugsField(source="policy.standards.all")


class ControlSerializer(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(
        choices=["passing", "partial", "failing", "incomplete", "no_data", "manual"],
        help_text="partial: what policies see passes, the rest wants evidence. manual: no policy.",
    )
    manual = serializers.CharField(help_text="The evidence that the control, or the rest of it, wants; may be empty.")
    policies = serializers.ListField(child=serializers.CharField(), source="policy_slugs")
    counts = CountsSerializer()


class StandardSerializer(serializers.Serializer):
    slug = serializers.CharField(source="standard.slug")
    title = serializers.CharField(source="standard.title")
    version = serializers.CharField(source="standard.version")
    posture = PostureSerializer()
    control_count = serializers.IntegerField()
    automated_count = serializers.IntegerField(help_text="Controls that policies speak for, if only in part.")
    manual_count = serializers.IntegerField(help_text="Controls that want evidence only; they have no score.")
    passing_count = serializers.IntegerField()
    partial_count = serializers.IntegerField(help_text="Controls that pass as far as policies see.")
    failing_count = serializers.IntegerField()


class StandardDetailSerializer(StandardSerializer):
    controls = ControlSerializer(many=True)
