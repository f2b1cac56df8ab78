"""Other engines whose results a cluster sends, what each said last of a resource, and policies that check the same."""

from django.db import models

from clusters.models import Cluster, Resource
from organizations.models import OwnedModel


class ResultSource(OwnedModel):
    """Another engine, as far as one cluster has sent its results.

    `missing_count` are results that its newest report says exist and could not carry: they lower coverage.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="result_sources")
    engine = models.CharField(max_length=40)
    title = models.CharField(max_length=100)
    scanned_at = models.DateTimeField(help_text="The newest merged report's own time.")
    merged_at = models.DateTimeField(help_text="The instant that its changes were dated with.")
    resource_count = models.PositiveIntegerField(default=0)
    missing_count = models.PositiveIntegerField(default=0)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "cluster", "engine"], name="result_source_unique")
        ]

    def __str__(self) -> str:
        return self.engine


class ResultDigest(OwnedModel):
    """What an engine said last of a resource, as a digest: what it repeats costs nothing."""

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="+")
    engine = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, help_text="SHA-256, hexadecimal.")

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "resource", "engine"], name="result_digest_unique")
        ]
        indexes = [models.Index(fields=["organization", "cluster", "engine"], name="result_digest_by_engine")]

    def __str__(self) -> str:
        return f"{self.engine} on {self.resource_id}"


class PolicyLink(OwnedModel):
    """Two policies that check the same. Neither comes first: the one with the smaller id is `policy`."""

    id = models.BigAutoField(primary_key=True)
    policy = models.ForeignKey("compliance.Policy", on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey("compliance.Policy", on_delete=models.CASCADE, related_name="+")

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "policy", "other"], name="policy_link_unique"),
            models.CheckConstraint(condition=models.Q(policy__lt=models.F("other")), name="policy_link_ordered"),
        ]
        indexes = [models.Index(fields=["organization", "other"], name="policy_link_by_other")]

    def __str__(self) -> str:
        return f"{self.policy_id} is {self.other_id}"
