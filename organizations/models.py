"""Organizations, the people in them and what they did."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from common.clock import now
from common.ids import uuid7

from .scope import current_organization_id


class OwnedQuerySet(models.QuerySet):
    """Rows of the organization in scope."""


class OwnedManager(models.Manager.from_queryset(OwnedQuerySet)):  # type: ignore[misc]
    """Filters by the organization in scope and raises when there is none."""

    use_in_migrations = False

    def get_queryset(self) -> OwnedQuerySet:
        return super().get_queryset().filter(organization_id=current_organization_id())


class OwnedModel(models.Model):
    """A row that belongs to exactly one organization. Concrete tables get RowLevelSecurity in a migration."""

    organization = models.ForeignKey("organizations.Organization", on_delete=models.CASCADE, related_name="+")

    objects = OwnedManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class UserManager(BaseUserManager["User"]):
    def create_user(self, *, email: str, password: str | None = None, name: str = "") -> "User":
        user = self.model(email=self.normalize_email(email).lower(), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person, signed in by e-mail; may be a member of several organizations."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique")]

    def __str__(self) -> str:
        return self.name or self.email


class Organization(models.Model):
    """A tenant. Every other table of the product hangs from one of these."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=now)
    retention_days = models.PositiveIntegerField(
        null=True, help_text="How long resolved violations are kept; null for as long as the organization is."
    )
    pruned_before = models.DateField(
        null=True, help_text="What ended before this day was rolled off; days of posture stay."
    )
    deletion_due_at = models.DateTimeField(null=True, help_text="When everything will be deleted, as an owner asked.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(retention_days=None) | Q(retention_days__gte=30), name="organization_retention_at_least_30"
            )
        ]

    def __str__(self) -> str:
        return self.name


class OrganizationDeletion(models.Model):
    """Evidence that an organization was deleted, kept when nothing of it is: no names, no addresses."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    former_id = models.UUIDField(unique=True)
    slug_digest = models.CharField(max_length=64, help_text="SHA-256 of its slug: tells, to who knows it, that it was.")
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True)
    row_counts = models.JSONField(default=dict, help_text="Rows deleted, by table.")
    pending_user_ids = models.JSONField(
        default=list, help_text="Accounts to look at once the rest is gone; empty when it is finished."
    )

    def __str__(self) -> str:
        return str(self.former_id)


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    SECURITY_LEAD = "security_lead", "Security lead"
    PLATFORM_ENGINEER = "platform_engineer", "Platform engineer"
    DEVELOPER = "developer", "Developer"
    AUDITOR = "auditor", "Auditor"


class Membership(OwnedModel):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(default=now)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_user_unique"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} as {self.role}"


class Invitation(OwnedModel):
    """An offer of membership, taken up with a link that is shown and mailed once; stored as a digest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=20, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"invitation of {self.email}"


class Team(OwnedModel):
    """Owners of workloads: those whose `team` label equals the slug, and those in the namespaces listed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=63)
    name = models.CharField(max_length=120)
    namespaces = models.JSONField(default=list, help_text="Namespaces owned whole, in every cluster.")
    created_at = models.DateTimeField(default=now)

    class Meta(OwnedModel.Meta):
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="team_slug_unique")]

    def __str__(self) -> str:
        return self.name


class TeamMembership(OwnedModel):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta(OwnedModel.Meta):
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="team_membership_unique")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}"


class ApiToken(OwnedModel):
    """A user's token for the read and management API; acts with the user's role. Stored as a digest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=now)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.prefix


class AuditEvent(OwnedModel):
    """What was done, by whom, to what. Written in the transaction of the deed; never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_label = models.CharField(max_length=254, help_text="Who it was, readable when the account is gone.")
    verb = models.CharField(max_length=64, help_text="noun.past_participle, e.g. cluster.registered")
    target = models.CharField(max_length=254)
    data = models.JSONField(default=dict)
    happened_at = models.DateTimeField(default=now)

    class Meta(OwnedModel.Meta):
        indexes = [models.Index(fields=["organization", "-happened_at", "-id"], name="audit_event_recent")]

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("An audit event is never changed.")
        super().save(*args, **kwargs)


class ExportStatus(models.TextChoices):
    REQUESTED = "requested", "Being built"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


class Export(OwnedModel):
    """An archive of everything that the organization owns, as an owner asked for it. It goes after seven days."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(max_length=10, choices=ExportStatus.choices, default=ExportStatus.REQUESTED)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    requested_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the archive, hexadecimal.")
    error = models.TextField(blank=True)

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(status="requested"), name="export_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"export of {self.requested_at}"


class ExportPiece(OwnedModel):
    """A piece of an archive: web and worker processes share no disk, but the database."""

    id = models.BigAutoField(primary_key=True)
    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta(OwnedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "export", "number"], name="export_piece_unique")
        ]

    def __str__(self) -> str:
        return f"piece {self.number} of {self.export_id}"
