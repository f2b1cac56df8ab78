"""Posture as it is counted: today's verdicts, what each day ended with, and the sums of both over all clusters.

What is kept per cluster is written by the merge; the fleet's sums follow by triggers (migration 0009), whoever writes.
`environment` is a copy of the cluster's, kept by a trigger too.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from clusters.models import Cluster, Environment
from organizations.models import OwnedModel, Team

WEIGHTED_OPEN = F("open_critical") * 10 + F("open_high") * 5 + F("open_medium") * 2 + F("open_low")


class PostureCount(OwnedModel):
    """Today's verdicts per (cluster, namespace, team, policy): how many resources each verdict was given to, and how
    many violations are open.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=16, choices=Environment.choices)
    namespace = models.CharField(max_length=253, blank=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    policy = models.ForeignKey("compliance.Policy", on_delete=models.PROTECT, related_name="+")
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    errored = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    open_count = models.PositiveIntegerField(default=0, help_text="Open violations.")
    fixable_count = models.PositiveIntegerField(default=0, help_text="Those of them that have a fix.")

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cluster", "namespace", "team", "policy"],
                name="posture_count_unique", nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["organization", "policy"], name="posture_count_by_policy"),
            models.Index(fields=["organization", "namespace"], name="posture_count_by_namespace"),
            models.Index(fields=["organization", "team"], name="posture_count_by_team"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.namespace} {self.policy_id}"


class FleetDimension(models.TextChoices):
    WHOLE = "", "All"
    TEAM = "team", "By team"
    NAMESPACE = "namespace", "By namespace"


class FleetCount(OwnedModel):
    """The sum of PostureCount over clusters: per (environment, policy), and per that and team, where null is what no
    team owns, or namespace.
    """

    id = models.BigAutoField(primary_key=True)
    environment = models.CharField(max_length=16, choices=Environment.choices)
    dimension = models.CharField(max_length=9, choices=FleetDimension.choices, blank=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="+")
    namespace = models.CharField(max_length=253, blank=True)
    policy = models.ForeignKey("compliance.Policy", on_delete=models.PROTECT, related_name="+")
    passed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    errored = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    open_count = models.BigIntegerField(default=0)
    fixable_count = models.BigIntegerField(default=0)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "dimension", "team", "namespace", "environment", "policy"],
                name="fleet_count_unique", nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment} {self.dimension} {self.policy_id}"


class DayMeasures(models.Model):
    """What a day is measured in: weighted verdicts, open violations by severity, and the day's flow."""

    passed_weight = models.BigIntegerField(default=0)
    failed_weight = models.BigIntegerField(default=0)
    errored_weight = models.BigIntegerField(default=0)
    skipped_weight = models.BigIntegerField(default=0)
    unreported_weight = models.BigIntegerField(
        default=0, help_text="Estimate for resources that exist but were not reported; on the row of namespace ''."
    )
    open_critical = models.IntegerField(default=0)
    open_high = models.IntegerField(default=0)
    open_medium = models.IntegerField(default=0)
    open_low = models.IntegerField(default=0)
    opened_count = models.IntegerField(default=0, help_text="Violations opened or reopened that day.")
    resolved_count = models.IntegerField(default=0, help_text="Violations resolved that day.")

    class Meta:
        abstract = True


class PostureDay(OwnedModel, DayMeasures):
    """A day's end for (cluster, namespace, team).

    Written whole per (cluster, day) whenever a report of that day is merged. From a cluster's first day to its last
    there is no gap: a day without a report carries the one before on, as that of a cluster gone silent. A reader
    carries the last one forward. Weights are summed `Policy.weight`s.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=16, choices=Environment.choices)
    namespace = models.CharField(max_length=253, blank=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    is_last = models.BooleanField(default=False, help_text="Whether it is of its cluster's newest day.")
    is_carried = models.BooleanField(default=False, help_text="Whether no report came that day.")

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cluster", "day", "namespace", "team"],
                name="posture_day_unique", nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["organization", "day", "cluster"], name="posture_day_by_day"),
            models.Index(
                F("organization"), F("cluster"), F("namespace"), name="posture_day_last", condition=Q(is_last=True)
            ),
            models.Index(
                F("organization"), WEIGHTED_OPEN.desc(), name="posture_day_hottest", condition=Q(is_last=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.namespace} {self.day}"


class FleetDay(OwnedModel, DayMeasures):
    """The sum of PostureDay over clusters: per (day, environment), and per that and team, or namespace.

    A cluster is in the sums up to its last day; a reader adds what later days carry on of it.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    environment = models.CharField(max_length=16, choices=Environment.choices)
    dimension = models.CharField(max_length=9, choices=FleetDimension.choices, blank=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="+")
    namespace = models.CharField(max_length=253, blank=True)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "dimension", "team", "namespace", "day", "environment"],
                name="fleet_day_unique", nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["organization", "dimension", "day"], name="fleet_day_by_day")]

    def __str__(self) -> str:
        return f"{self.environment} {self.dimension} {self.day}"


class PolicyDay(OwnedModel):
    """A day's end for a cluster by policy: resources per verdict and open violations, at the place of the policy's id
    in `policies`. Without gaps, as PostureDay.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    environment = models.CharField(max_length=16, choices=Environment.choices)
    is_last = models.BooleanField(default=False)
    is_carried = models.BooleanField(default=False)
    policies = ArrayField(models.IntegerField(), default=list)
    passed = ArrayField(models.IntegerField(), default=list)
    failed = ArrayField(models.IntegerField(), default=list)
    errored = ArrayField(models.IntegerField(), default=list)
    skipped = ArrayField(models.IntegerField(), default=list)
    open_counts = ArrayField(models.IntegerField(), default=list)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "cluster", "day"], name="policy_day_unique")
        ]
        indexes = [
            models.Index(fields=["organization", "cluster"], name="policy_day_last", condition=Q(is_last=True)),
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.day}"


class FleetPolicyDay(OwnedModel):
    """The sum of PolicyDay over clusters, per (day, environment, policy); what silent clusters said last is in the
    first four and again in the `silent_` ones.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    environment = models.CharField(max_length=16, choices=Environment.choices)
    policy = models.ForeignKey("compliance.Policy", on_delete=models.PROTECT, related_name="+")
    passed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    errored = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    open_count = models.BigIntegerField(default=0)
    silent_passed = models.BigIntegerField(default=0)
    silent_failed = models.BigIntegerField(default=0)
    silent_errored = models.BigIntegerField(default=0)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "environment", "policy"], name="fleet_policy_day_unique"
            )
        ]
        indexes = [models.Index(fields=["organization", "policy", "day"], name="fleet_policy_day_trend")]

    def __str__(self) -> str:
        return f"{self.environment} {self.policy_id} {self.day}"
