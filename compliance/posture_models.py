"""Posture as it is counted: today's verdicts, and what each day ended with."""

from django.db import models

from clusters.models import Cluster
from organizations.models import OwnedModel, Team


class PostureCount(OwnedModel):
    """Today's verdicts per (cluster, namespace, team, policy): how many resources each verdict was given to."""

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    namespace = models.CharField(max_length=253, blank=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    policy = models.ForeignKey("compliance.Policy", on_delete=models.PROTECT, related_name="+")
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    errored = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cluster", "namespace", "team", "policy"],
                name="posture_count_unique", nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.namespace} {self.policy_id}"


class PostureDay(OwnedModel):
    """A day's end for (cluster, namespace, team): weighted verdicts, open violations by severity, and the day's flow.

    Written whole per (cluster, day) whenever a report of that day is merged, so a (cluster, day) is complete or absent;
    a reader carries the last one forward. Weights are summed `Policy.weight`s.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    namespace = models.CharField(max_length=253, blank=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    passed_weight = models.PositiveIntegerField(default=0)
    failed_weight = models.PositiveIntegerField(default=0)
    errored_weight = models.PositiveIntegerField(default=0)
    skipped_weight = models.PositiveIntegerField(default=0)
    unreported_weight = models.PositiveIntegerField(
        default=0, help_text="Estimate for resources that exist but were not reported; on the row of namespace ''."
    )
    open_critical = models.PositiveIntegerField(default=0)
    open_high = models.PositiveIntegerField(default=0)
    open_medium = models.PositiveIntegerField(default=0)
    open_low = models.PositiveIntegerField(default=0)
    opened_count = models.PositiveIntegerField(default=0, help_text="Violations opened or reopened that day.")
    resolved_count = models.PositiveIntegerField(default=0, help_text="Violations resolved that day.")

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cluster", "day", "namespace", "team"],
                name="posture_day_unique", nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["organization", "day", "cluster"], name="posture_day_by_day")]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.namespace} {self.day}"


class PolicyDay(OwnedModel):
    """A day's end for (cluster, policy): resources per verdict."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    policy = models.ForeignKey("compliance.Policy", on_delete=models.PROTECT, related_name="+")
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    errored = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cluster", "day", "policy"], name="policy_day_unique"
            )
        ]
        indexes = [models.Index(fields=["organization", "policy", "day"], name="policy_day_by_policy")]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.policy_id} {self.day}"
