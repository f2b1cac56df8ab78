"""Policies, and violations with their intervals."""

from django.db import models
from django.db.models import F, Q

from clusters.models import Cluster, Resource
from compliance.engine_models import PolicyLink, ResultDigest, ResultSource
from compliance.posture_models import (
    FleetCount,
    FleetDay,
    FleetDimension,
    FleetPolicyDay,
    PolicyDay,
    PostureCount,
    PostureDay,
)
from organizations.models import Organization, OwnedModel, OwnedQuerySet, Team
from organizations.scope import current_organization_id

__all__ = [
    "SEVERITY_WEIGHTS", "FleetCount", "FleetDay", "FleetDimension", "FleetPolicyDay", "Policy", "PolicyDay",
    "PolicyFormat", "PolicyLink", "PostureCount", "PostureDay", "ResultDigest", "ResultSource",
    "Severity", "Standard", "Violation", "ViolationInterval", "ViolationStatus",
]  # fmt: skip


class Severity(models.IntegerChoices):
    LOW = 1, "Low"
    MEDIUM = 2, "Medium"
    HIGH = 3, "High"
    CRITICAL = 4, "Critical"


SEVERITY_WEIGHTS = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 5, Severity.CRITICAL: 10}


class PolicyFormat(models.TextChoices):
    """What a policy is written in; the values are those of `plumbline policy export --format`, beside `results`: of a
    policy that another engine evaluates, nothing but its results is known.
    """

    PLUMBLINE = "plumbline", "Plumbline"
    ADMISSION = "vap", "ValidatingAdmissionPolicy"
    KYVERNO = "kyverno", "Kyverno"
    GATEKEEPER = "gatekeeper", "Gatekeeper"
    WEAVE = "weave", "Weave"
    RESULTS = "results", "Results of another engine"


class PolicyQuerySet(OwnedQuerySet):
    def in_order_of_precedence(self) -> "PolicyQuerySet":
        """The library's first, so that in a map by slug an organization's own comes out on top."""
        return self.order_by(F("organization").asc(nulls_first=True), "slug")

    def in_brief(self) -> "PolicyQuerySet":
        """Without what is long: for lists and names."""
        return self.defer("document", "sources", "tests")


class PolicyManager(models.Manager.from_queryset(PolicyQuerySet)):  # type: ignore[misc]
    """The library's policies and those of the organization in scope; raises when there is none."""

    use_in_migrations = False

    def get_queryset(self) -> PolicyQuerySet:
        owners = Q(organization=None) | Q(organization_id=current_organization_id())
        return super().get_queryset().filter(owners)


class LibraryManager(models.Manager):
    """The library's policies alone, for which no organization need be in scope."""

    use_in_migrations = False

    def get_queryset(self) -> models.QuerySet["Policy"]:
        return super().get_queryset().filter(organization=None)


class Policy(OwnedModel):
    """A policy of the library, as synchronized from its folder by `manage.py sync_library`, or one of an
    organization's own, as it imported it. The library's belong to no organization and are everybody's to read.

    The small id is what rollups and verdict arrays carry. Where the library takes up a slug that an organization
    had before, the slug goes on meaning the organization's own there (`in_order_of_precedence`).
    """

    id = models.AutoField(primary_key=True)
    organization = models.ForeignKey(
        "organizations.Organization", null=True, on_delete=models.CASCADE, related_name="+"
    )
    slug = models.CharField(max_length=63)
    title = models.CharField(max_length=200)
    category = models.CharField(max_length=32)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    weight = models.PositiveSmallIntegerField(help_text="What one check of it counts for in posture.")
    format = models.CharField(max_length=16, choices=PolicyFormat.choices, default=PolicyFormat.PLUMBLINE)
    engine = models.CharField(max_length=63, default="CEL", help_text="What evaluates it, e.g. CEL or OPA 1.4.")
    document = models.JSONField(
        help_text="The policy in our own form: why, guidance, references, controls; rules if it has any."
    )
    sources = models.JSONField(
        default=list, help_text="Its documents as imported: [{file, kind, name, text}], its own first."
    )
    tests = models.JSONField(
        null=True, help_text="What its own tests gave: {engine, file, passed, failed: [{name, differences}]}."
    )
    imported_at = models.DateTimeField(null=True, help_text="When an own policy last changed by an import.")
    retired_at = models.DateTimeField(
        null=True, help_text="When it left the library or was retired; its history stays."
    )

    objects = PolicyManager()
    library = LibraryManager()

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["slug"], condition=Q(organization=None), name="policy_slug_unique_in_library"
            ),
            models.UniqueConstraint(fields=["organization", "slug"], name="policy_slug_unique_own"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def is_own(self) -> bool:
        """Whether it is an organization's and not the library's."""
        return self.organization_id is not None


class Standard(models.Model):
    """A standard of the library: a set of controls, each automated by policies or manual."""

    slug = models.CharField(primary_key=True, max_length=63)
    title = models.CharField(max_length=200)
    version = models.CharField(max_length=32)
    document = models.JSONField()
    policies = models.ManyToManyField(Policy, related_name="standards")

    def __str__(self) -> str:
        return self.title


class ViolationStatus(models.TextChoices):
    OPEN = "open", "Open"
    EXCEPTED = "excepted", "Excepted"
    RESOLVED = "resolved", "Resolved"


class Violation(OwnedModel):
    """One failing check with one life: it opens, may be excepted, resolves and reopens, and is never duplicated.

    Identity: (cluster, resource, policy, rule, place). `place` names list members, so reordering changes nothing;
    `path` is where it stands today, with indexes. `namespace`, `team` and `severity` are copies, for the indexes.
    """

    id = models.BigAutoField(primary_key=True)
    # Copies of what the resource refers to: PostgreSQL looks up the resource alone, once for each row that comes in.
    # Every other index begins with the organization, so one of its own would only mislead the planner.
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="violations")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    rule = models.CharField(max_length=63)
    place = models.CharField(max_length=1024)
    path = models.CharField(max_length=1024)
    namespace = models.CharField(max_length=253, blank=True)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    found = models.JSONField(null=True)
    message = models.TextField()
    fix = models.JSONField(null=True, help_text="RFC 6902 patch of the whole manifest, or null.")
    line = models.PositiveIntegerField(null=True)
    status = models.CharField(max_length=8, choices=ViolationStatus.choices, default=ViolationStatus.OPEN)
    exception = models.CharField(
        max_length=253, blank=True, help_text="The exception that covers it, as reported; '' unless it is excepted."
    )
    first_seen_at = models.DateTimeField()
    opened_at = models.DateTimeField(help_text="Start of the present or last interval.")
    resolved_at = models.DateTimeField(null=True)
    reopened_count = models.PositiveIntegerField(default=0)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "resource", "policy", "rule", "place"], name="violation_identity_unique"
            ),
            models.CheckConstraint(
                condition=Q(status="resolved", resolved_at__isnull=False)
                | (~Q(status="resolved") & Q(resolved_at__isnull=True)),
                name="violation_resolved_has_instant",
            ),
            models.CheckConstraint(
                condition=(Q(status="excepted") & ~Q(exception="")) | (~Q(status="excepted") & Q(exception="")),
                name="violation_excepted_names_exception",
            ),
        ]
        indexes = [
            models.Index(
                F("organization"), F("severity").desc(), F("opened_at").desc(), F("id").desc(),
                name="violation_open_worst", condition=Q(status="open"),
            ),
            models.Index(
                F("organization"), F("cluster"), F("namespace"), F("severity").desc(), F("id"),
                name="violation_open_place", condition=Q(status="open"),
            ),
            models.Index(
                F("organization"), F("team"), F("severity").desc(), F("id"),
                name="violation_open_team", condition=Q(status="open"),
            ),
            models.Index(
                fields=["organization", "resolved_at"], name="violation_resolved_age", condition=Q(status="resolved")
            ),
            models.Index(
                F("organization"), F("policy"), F("severity").desc(), F("opened_at").desc(), F("id").desc(),
                name="violation_open_by_policy", condition=Q(status="open"),
            ),
            models.Index(
                F("organization"), F("severity").desc(), F("first_seen_at").desc(), F("id").desc(),
                name="violation_worst_seen",
            ),
            models.Index(
                F("organization"), F("severity").desc(), F("opened_at").desc(), F("id").desc(),
                name="violation_excepted_worst", condition=Q(status="excepted"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} at {self.place}"


class ViolationInterval(OwnedModel):
    """A stretch of time during which a violation was open or excepted: `[opened_at, closed_at)`, open-ended while null.

    A life begins open or excepted, may change between the two (`excepted`, `ended`), and ends `passed` or `deleted`.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    violation = models.ForeignKey(Violation, on_delete=models.CASCADE, related_name="intervals", db_index=False)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    exception = models.CharField(
        max_length=253, blank=True, help_text="The exception that covered it during this stretch; '' while it was open."
    )
    close_reason = models.CharField(
        max_length=8,
        blank=True,
        choices=[
            ("passed", "Evaluated and passed"),
            ("deleted", "Resource deleted"),
            ("excepted", "Covered by an exception"),
            ("ended", "No longer excepted"),
        ],
    )

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "violation"], condition=Q(closed_at=None), name="interval_one_open"
            )
        ]
        indexes = [models.Index(fields=["violation", "opened_at"], name="interval_of_violation")]

    def __str__(self) -> str:
        return f"{self.violation_id} from {self.opened_at}"
