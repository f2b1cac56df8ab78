"""Clusters, the tokens of their agents, the reports that come in and the resources they speak of."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from clusters.raw_models import RawReport
from common.clock import now
from common.ids import uuid7
from organizations.models import OwnedModel, Team, User

__all__ = [
    "AgentSession", "AgentToken", "Cluster", "Environment", "IntakeDay", "RawReport", "Report", "ReportPart",
    "ReportQueue", "ReportStatus", "Resource",
]  # fmt: skip


class Environment(models.TextChoices):
    PRODUCTION = "production", "Production"
    STAGING = "staging", "Staging"
    DEVELOPMENT = "development", "Development"
    SANDBOX = "sandbox", "Sandbox"


class Cluster(OwnedModel):
    """A Kubernetes cluster, or a directory of manifests that is scanned as one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=63)
    environment = models.CharField(max_length=16, choices=Environment.choices)
    created_at = models.DateTimeField(default=now)
    last_received_at = models.DateTimeField(null=True, help_text="When the newest report arrived here.")
    first_scanned_at = models.DateTimeField(null=True, help_text="The first merged report's own time.")
    last_scanned_at = models.DateTimeField(null=True, help_text="The newest merged report's own time.")
    agent_name = models.CharField(max_length=64, blank=True)
    agent_version = models.CharField(max_length=64, blank=True)
    resource_count = models.PositiveIntegerField(default=0)
    unreported_resource_count = models.PositiveIntegerField(
        default=0, help_text="Resources the newest report says exist but could not carry: they lower coverage."
    )
    unreadable_resource_count = models.PositiveIntegerField(
        default=0, help_text="Those of them that the sender could not read; the others were cut off."
    )
    clock_skew_seconds = models.FloatField(
        null=True, help_text="How far the sender's clock was ahead of ours at its newest report, if it told its time."
    )
    snapshot_wanted_at = models.DateTimeField(
        null=True, help_text="Something up to this instant was missed: only a newer, complete snapshot makes up for it."
    )

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="cluster_name_unique"),
            models.CheckConstraint(
                condition=Q(environment__in=Environment.values), name="cluster_environment_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AgentToken(OwnedModel):
    """What an agent signs its reports with: good for one cluster, stored as a digest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="tokens")
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.prefix


class ReportStatus(models.TextChoices):
    ACCEPTED = "accepted", "Accepted"
    PROCESSED = "processed", "Processed"
    SUPERSEDED = "superseded", "Superseded"
    PARKED = "parked", "Parked"
    DISMISSED = "dismissed", "Dismissed"


class Report(OwnedModel):
    """A report as it was posted. Kept until it is processed, so that an accepted report cannot be lost."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="reports")
    report_id = models.UUIDField(help_text="The sender's own id: posting it again gives the first receipt.")
    kind = models.CharField(max_length=10, choices=[("snapshot", "Snapshot"), ("delta", "Delta")])
    source = models.CharField(
        max_length=40, blank=True, help_text="The other engine whose results it holds; '' for what Plumbline evaluated."
    )
    scanned_at = models.DateTimeField()
    received_at = models.DateTimeField(default=now)
    status = models.CharField(max_length=10, choices=ReportStatus.choices, default=ReportStatus.ACCEPTED)
    body = models.BinaryField(null=True, help_text="zstd-compressed JSON; dropped after processing.")
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of the expanded body, hexadecimal.")
    body_bytes = models.PositiveIntegerField(help_text="Expanded size in bytes.")
    resource_count = models.PositiveIntegerField(default=0)
    result_count = models.PositiveIntegerField(default=0)
    opened_count = models.PositiveIntegerField(default=0)
    resolved_count = models.PositiveIntegerField(default=0)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    processed_at = models.DateTimeField(null=True)
    clock_skew_seconds = models.FloatField(
        null=True, help_text="How far the sender's clock was ahead of ours, if that is known."
    )
    session_id = models.UUIDField(null=True, help_text="One run of an agent.")
    sequence = models.PositiveBigIntegerField(null=True, help_text="Its number in the session, from 1.")
    policy_set = models.CharField(max_length=64, blank=True, help_text="The digest of what it was evaluated by.")
    part_count = models.PositiveIntegerField(default=1, help_text="How many parts it came in.")
    known_count = models.PositiveIntegerField(default=0, help_text="Resources named by their digest alone.")
    unknown_count = models.PositiveIntegerField(default=0, help_text="Those of them whose digest was not ours.")
    unknown = models.JSONField(
        default=list, help_text="Their group, kind, namespace and name; at most 1,000 of them."
    )
    trace_parent = models.CharField(
        max_length=55, blank=True, help_text="W3C traceparent of the request that brought it; '' when none is traced."
    )

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "cluster", "report_id"], name="report_id_unique"),
            models.UniqueConstraint(
                fields=["organization", "cluster", "session_id", "sequence"],
                name="report_sequence_unique",
                condition=Q(session_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "cluster", "-received_at"], name="report_recent"),
            models.Index(fields=["organization", "-received_at", "-id"], name="report_newest"),
            models.Index(
                fields=["organization", "-received_at"], name="report_parked", condition=Q(status="parked")
            ),
            models.Index(
                fields=["organization", "cluster", "scanned_at", "received_at"],
                name="report_waiting",
                condition=Q(status="accepted"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.report_id)


class ReportPart(OwnedModel):
    """A part of a snapshot that is not closed yet. When the last one is in, they become one report, and go."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="parts")
    report_id = models.UUIDField(help_text="The sender's own id of the snapshot, the same in all its parts.")
    number = models.PositiveIntegerField(help_text="From 1, in any order.")
    closing = models.JSONField(null=True, help_text="What the closing part says of all: {parts, resources, digest}.")
    head = models.JSONField(help_text="The report without its resources; what all parts must agree on, and more.")
    head_digest = models.CharField(max_length=64, help_text="SHA-256 of what all parts must agree on.")
    received_at = models.DateTimeField(default=now)
    body = models.BinaryField(help_text="Its lines, as keeping.py says.")
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of the expanded body, hexadecimal.")
    body_bytes = models.PositiveIntegerField(help_text="Expanded size in bytes.")
    resource_count = models.PositiveIntegerField(default=0)
    known_count = models.PositiveIntegerField(default=0)
    result_count = models.PositiveIntegerField(default=0)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cluster", "report_id", "number"], name="report_part_unique"
            )
        ]
        indexes = [models.Index(fields=["organization", "received_at"], name="report_part_age")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.report_id}"


class AgentSession(OwnedModel):
    """One run of an agent, which numbers its reports from 1, so that a gap is seen."""

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="sessions")
    session_id = models.UUIDField(help_text="The agent's own.")
    last_sequence = models.PositiveBigIntegerField(help_text="The highest that came in.")
    last_scanned_at = models.DateTimeField(help_text="The newest time of its reports: they never run backwards.")
    started_at = models.DateTimeField(default=now)
    last_at = models.DateTimeField(default=now)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "cluster", "session_id"], name="agent_session_unique")
        ]

    def __str__(self) -> str:
        return str(self.session_id)


class ReportQueue(OwnedModel):
    """What waits for a cluster, counted by a trigger on the reports in the transaction that changes them.

    Background work and back-pressure read it across organizations (`directory_scope`): ids and counts, nothing else.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="queue")
    waiting_count = models.IntegerField(default=0, help_text="Reports accepted and not yet settled.")
    waiting_bytes = models.BigIntegerField(default=0, help_text="Their bodies as kept, compressed.")
    parked_count = models.IntegerField(default=0)
    waiting_since = models.DateTimeField(null=True, help_text="When the oldest waiting report came in.")
    served_at = models.DateTimeField(null=True, help_text="When a worker last took a report of the cluster.")

    class Meta(OwnedModel.Meta):
        indexes = [
            models.Index(fields=["organization"], name="queue_waiting", condition=Q(waiting_count__gt=0)),
            models.Index(fields=["organization", "served_at"], name="queue_served"),
        ]

    def __str__(self) -> str:
        return f"{self.waiting_count} waiting"


class IntakeDay(OwnedModel):
    """How many reports of a cluster had one outcome at the door on one UTC day: `accepted`, or a refusal's code."""

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="intake_days")
    day = models.DateField()
    outcome = models.CharField(max_length=40)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    last_detail = models.CharField(max_length=500, blank=True, help_text="What the sender was told last.")

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "cluster", "day", "outcome"], name="intake_day_unique")
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.outcome}"


class Resource(OwnedModel):
    """A Kubernetes object of a cluster as last reported, with the verdict of each policy on it.

    `passed`, `failed`, `errored` and `skipped` hold ids of policies, sorted; a policy in none of them does not apply.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="resources")
    group = models.CharField(max_length=253, blank=True)
    version = models.CharField(max_length=63)
    kind = models.CharField(max_length=63)
    namespace = models.CharField(max_length=253, blank=True)
    name = models.CharField(max_length=253)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="resources")
    labels = models.JSONField(default=dict)
    manifest = models.JSONField(null=True)
    file = models.CharField(max_length=1024, blank=True)
    line = models.PositiveIntegerField(null=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of what the report said of it, hexadecimal.")
    passed = ArrayField(models.IntegerField(), default=list)
    failed = ArrayField(models.IntegerField(), default=list)
    errored = ArrayField(models.IntegerField(), default=list)
    skipped = ArrayField(models.IntegerField(), default=list)
    open_count = models.PositiveIntegerField(default=0, help_text="Open violations.")
    worst_severity = models.PositiveSmallIntegerField(default=0, help_text="Of the open violations; 0 for none.")
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="When what is reported of it last changed.")
    deleted_at = models.DateTimeField(null=True)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cluster", "group", "kind", "namespace", "name"],
                name="resource_identity_unique",
            )
        ]
        indexes = [
            models.Index(
                F("organization"), F("worst_severity").desc(), F("open_count").desc(), F("id"),
                name="resource_worst", condition=Q(deleted_at=None),
            ),
            models.Index(fields=["organization", "namespace", "kind", "name"], name="resource_by_name"),
            models.Index(fields=["organization", "kind"], name="resource_by_kind", condition=Q(deleted_at=None)),
            models.Index(
                fields=["organization", "name", "namespace", "id"],
                name="resource_in_order", condition=Q(deleted_at=None),
            ),
            models.Index(
                F("organization"), F("changed_at").desc(), F("id").desc(),
                name="resource_changed", condition=Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version
