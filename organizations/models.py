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

    def __str__(self) -> str:
        return self.name


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
