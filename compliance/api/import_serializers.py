"""How the API spells an import of policies: what is sent, and what became of each document."""

from rest_framework import serializers


class PolicyFileSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=1024)
    content = serializers.CharField(allow_blank=True, trim_whitespace=False)


class PolicyImportSerializer(serializers.Serializer):
    """Files with policies, what these refer to, and their tests."""

    files = PolicyFileSerializer(many=True)


class PolicyUploadSerializer(serializers.Serializer):
    """The same as a form."""

    files = serializers.ListField(child=serializers.FileField())


class DocumentOutcomeSerializer(serializers.Serializer):
    file = serializers.CharField()
    line = serializers.IntegerField(allow_null=True, help_text="Null: the file as a whole.")
    outcome = serializers.ChoiceField(
        choices=["imported", "replaced", "restored", "unchanged", "refused", "attached", "ignored"],
        help_text="attached: part of the policies named. ignored: no policy, and none refers to it.",
    )
    kind = serializers.CharField()
    name = serializers.CharField()
    id = serializers.CharField(help_text="The policy's slug; empty for what is no policy.")
    format = serializers.CharField()
    engine = serializers.CharField()
    reason = serializers.CharField(help_text="Why it was refused or ignored, or what a replacement changed.")
    field = serializers.CharField(help_text="The field that a refusal is about; may be empty.")
    column = serializers.IntegerField(allow_null=True, help_text="In that field's text, from 1.")
    policies = serializers.ListField(child=serializers.CharField())


class ImportOutcomeSerializer(serializers.Serializer):
    documents = DocumentOutcomeSerializer(many=True)
    accepted_count = serializers.IntegerField(help_text="Policies that are now as they were sent.")
    changed_count = serializers.IntegerField(help_text="Those of them that were not so before.")
    refused_count = serializers.IntegerField(help_text="Documents that were refused.")
