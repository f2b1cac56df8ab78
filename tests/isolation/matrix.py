"""Who may do what: one line for every route and method. A route that is not here fails the tests.

To add a route: one `Route` with its URL name, its method and its audience. `ids` says which kwargs of the URL
are ids of which owned row (both organizations have one: see rows.py), `words` what the others are; `form` is
a body that a member who may can send with success, where a model stands for the id of that row.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from clusters.models import AgentToken, Cluster, Report, Resource
from compliance.models import Policy, Violation
from organizations.models import ApiToken, Export, Invitation, Membership, Role, Team, TeamMembership

EVERYONE = frozenset(Role)
OWNER = frozenset({Role.OWNER})
TEAM_MANAGERS = frozenset({Role.OWNER, Role.SECURITY_LEAD, Role.PLATFORM_ENGINEER})
CLUSTER_MANAGERS = frozenset({Role.OWNER, Role.PLATFORM_ENGINEER})
POLICY_MANAGERS = frozenset({Role.OWNER, Role.SECURITY_LEAD, Role.PLATFORM_ENGINEER})
READERS_OF_ACTIVITY = EVERYONE - {Role.DEVELOPER}


class Audience(Enum):
    ANYONE = "no sign-in needed"
    ACCOUNT = "whoever is signed in; no organization's data but through one's own memberships"
    AGENT = "the bearer of a cluster's token"
    MEMBERS = "members of the organization in the URL, by role"


@dataclass(frozen=True)
class Route:
    """`roles` may; `own` names the role of the one member whose own the row is, to others it is not there."""

    name: str
    method: str = "GET"
    audience: Audience = Audience.MEMBERS
    roles: frozenset[Role] = EVERYONE
    ids: dict[str, type] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)
    own: Role | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.name}"

    @property
    def is_api(self) -> bool:
        return self.name.startswith("api_")

    def status_for(self, role: Role) -> int:
        """What a member with this role gets: 200 stands for any success."""
        if role not in self.roles:
            return 403
        return 404 if self.own and role != self.own else 200


def _post(name: str, roles: frozenset[Role], **more: Any) -> Route:
    return Route(name, "POST", roles=roles, **more)


def _open(name: str, method: str = "GET", audience: Audience = Audience.ANYONE) -> Route:
    return Route(name, method, audience)


POLICY = {"policy_slug": "privileged-container"}
NEW_POLICY = """
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: team-label}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "has(object.metadata.labels)", message: no labels}]
"""
STANDARD = {"standard_slug": "pss-baseline"}

ROUTES = [
    _open("healthz"),
    _open("readyz"),
    _open("metrics"),
    _open("sign_in"),
    _open("sign_in", "POST"),
    _open("sign_out", "POST"),
    _open("password_reset"),
    _open("password_reset", "POST"),
    _open("password_reset_confirm"),
    _open("password_reset_confirm", "POST"),
    _open("invitation"),
    _open("invitation", "POST"),
    _open("home", audience=Audience.ACCOUNT),
    _open("account", audience=Audience.ACCOUNT),
    _open("account", "POST", Audience.ACCOUNT),
    _open("account_password", "POST", Audience.ACCOUNT),
    _open("agent_reports", "POST", Audience.AGENT),
    _open("agent_policy_reports", "POST", Audience.AGENT),
    _open("agent_sarif", "POST", Audience.AGENT),
    Route("agent_report", audience=Audience.AGENT, ids={"report_id": Report}),
    # Settings and activity
    Route("activity", roles=READERS_OF_ACTIVITY),
    Route("settings"),
    _post("settings_invite", OWNER, form={"email": "new@example.com", "role": "developer"}),
    _post("settings_invitation_revoke", OWNER, ids={"invitation_id": Invitation}),
    _post("settings_member_role", OWNER, ids={"membership_id": Membership}, form={"role": "auditor"}),
    _post("settings_member_remove", OWNER, ids={"membership_id": Membership}),
    Route("settings_teams"),
    _post("settings_team_create", TEAM_MANAGERS, form={"name": "Search", "namespaces": "search"}),
    Route("settings_team", ids={"team_id": Team}),
    _post("settings_team", TEAM_MANAGERS, ids={"team_id": Team}, form={"name": "Money", "namespaces": "payments"}),
    _post("settings_team_member_add", TEAM_MANAGERS, ids={"team_id": Team}, form={"email": "olivia@acme.example"}),
    _post("settings_team_member_remove", TEAM_MANAGERS, ids={"team_id": Team, "user_id": TeamMembership}),
    _post("settings_team_delete", TEAM_MANAGERS, ids={"team_id": Team}),
    Route("settings_data", roles=OWNER),
    _post("settings_retention", OWNER, form={"days": "365"}),
    _post("settings_export", OWNER),
    _post("settings_export_download", OWNER, ids={"export_id": Export}),
    _post("settings_deletion", OWNER, form={"confirmation": "acme"}),
    _post("settings_deletion_cancel", OWNER),
    Route("settings_tokens"),
    _post("settings_token_issue", EVERYONE, form={"name": "laptop"}),
    _post("settings_token_revoke", EVERYONE, ids={"token_id": ApiToken}, own=Role.DEVELOPER),
    # Fix, workloads, policies, standards
    Route("fix"),
    Route("violation", ids={"violation_id": Violation}),
    Route("workloads"),
    Route("workload", ids={"resource_id": Resource}),
    Route("policies"),
    Route("policy", words=POLICY),
    Route("policy_import", roles=POLICY_MANAGERS),
    _post("policy_import", POLICY_MANAGERS, form={"text": NEW_POLICY}),
    _post("policy_link", POLICY_MANAGERS, words=POLICY, form={"other": "only-acme"}),
    _post("policy_unlink", POLICY_MANAGERS, ids={"policy_slug": Policy}, form={"other": "only-acme-twin"}),
    _post("policy_retire", POLICY_MANAGERS, ids={"policy_slug": Policy}),
    Route("standards"),
    Route("standard", words=STANDARD),
    Route("search"),
    # Posture and clusters
    Route("posture"),
    Route("posture_teams"),
    Route("posture_chart", words={"name": "trend"}),
    Route("clusters"),
    Route("cluster_choices"),
    Route("cluster_new", roles=CLUSTER_MANAGERS),
    _post("cluster_new", CLUSTER_MANAGERS, form={"name": "new-cluster", "environment": "staging"}),
    Route("cluster", ids={"cluster_id": Cluster}),
    _post("cluster_token_issue", CLUSTER_MANAGERS, ids={"cluster_id": Cluster}),
    _post(
        "report_retry",
        TEAM_MANAGERS,
        ids={"cluster_id": Cluster, "report_id": Report},
    ),
    Route("ingestion"),
    _post("report_dismiss", TEAM_MANAGERS, ids={"cluster_id": Cluster, "report_id": Report}),
    _post("cluster_token_revoke", CLUSTER_MANAGERS, ids={"cluster_id": Cluster, "token_id": AgentToken}),
    # The read and management API
    _open("api_organizations", audience=Audience.ACCOUNT),
    Route("api_clusters"),
    _post("api_clusters", CLUSTER_MANAGERS, form={"name": "new-cluster", "environment": "staging"}),
    Route("api_cluster", ids={"cluster_id": Cluster}),
    Route("api_agent_tokens", roles=CLUSTER_MANAGERS, ids={"cluster_id": Cluster}),
    _post("api_agent_tokens", CLUSTER_MANAGERS, ids={"cluster_id": Cluster}),
    Route(
        "api_agent_token",
        "DELETE",
        roles=CLUSTER_MANAGERS,
        ids={"cluster_id": Cluster, "token_id": AgentToken},
    ),
    Route("api_resources"),
    Route("api_resource", ids={"resource_id": Resource}),
    Route("api_violations"),
    Route("api_violation", ids={"violation_id": Violation}),
    Route("api_policies"),
    Route("api_policy", words={"policy": "privileged-container"}),
    _post(
        "api_policy_imports",
        POLICY_MANAGERS,
        form={"files": [{"name": "team.yaml", "content": NEW_POLICY}]},
    ),
    _post("api_policy_retire", POLICY_MANAGERS, ids={"policy": Policy}),
    Route("api_standards"),
    Route("api_standard", words={"standard": "pss-baseline"}),
    Route("api_posture"),
    Route("api_posture_history"),
    Route("api_reports"),
    Route("api_report", ids={"report_id": Report}),
    _post("api_report_retry", TEAM_MANAGERS, ids={"report_id": Report}),
    _post("api_report_dismiss", TEAM_MANAGERS, ids={"report_id": Report}),
    Route("api_ingestion"),
    Route("api_exports", roles=OWNER),
    _post("api_exports", OWNER),
    Route("api_export", roles=OWNER, ids={"export_id": Export}),
    _post("api_export_download", OWNER, ids={"export_id": Export}),
    Route("api_deletion", roles=OWNER),
    _post("api_deletion", OWNER, form={"confirmation": "acme"}),
    Route("api_deletion", method="DELETE", roles=OWNER),
]
