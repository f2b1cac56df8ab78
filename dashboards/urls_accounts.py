"""Routes of people and their organizations: accounts, settings, activity; and health for machines."""

from django.urls import path

from dashboards.views import accounts, activity, data, health, metrics, settings, teams

urlpatterns = [
    path("", accounts.home_view, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("sign-in", accounts.sign_in_view, name="sign_in"),
    path("sign-out", accounts.sign_out_view, name="sign_out"),
    path("password-reset", accounts.password_reset_view, name="password_reset"),
    path(
        "password-reset/<str:identity>/<str:token>",
        accounts.password_reset_confirm_view,
        name="password_reset_confirm",
    ),
    path("invitations/<str:token>", accounts.invitation_view, name="invitation"),
    path("account", accounts.account_view, name="account"),
    path("account/password", accounts.account_password_view, name="account_password"),
    path("o/<slug:slug>/activity", activity.activity_view, name="activity"),
    path("o/<slug:slug>/settings", settings.members_view, name="settings"),
    path("o/<slug:slug>/settings/invite", settings.invite_view, name="settings_invite"),
    path(
        "o/<slug:slug>/settings/invitations/<uuid:invitation_id>/revoke",
        settings.revoke_invitation_view,
        name="settings_invitation_revoke",
    ),
    path(
        "o/<slug:slug>/settings/members/<uuid:membership_id>/role",
        settings.change_role_view,
        name="settings_member_role",
    ),
    path(
        "o/<slug:slug>/settings/members/<uuid:membership_id>/remove",
        settings.remove_member_view,
        name="settings_member_remove",
    ),
    path("o/<slug:slug>/settings/teams", teams.teams_view, name="settings_teams"),
    path("o/<slug:slug>/settings/teams/new", teams.create_team_view, name="settings_team_create"),
    path("o/<slug:slug>/settings/teams/<uuid:team_id>", teams.team_view, name="settings_team"),
    path("o/<slug:slug>/settings/teams/<uuid:team_id>/delete", teams.delete_team_view, name="settings_team_delete"),
    path(
        "o/<slug:slug>/settings/teams/<uuid:team_id>/members",
        teams.add_team_member_view,
        name="settings_team_member_add",
    ),
    path(
        "o/<slug:slug>/settings/teams/<uuid:team_id>/members/<uuid:user_id>/remove",
        teams.remove_team_member_view,
        name="settings_team_member_remove",
    ),
    path("o/<slug:slug>/settings/data", data.data_view, name="settings_data"),
    path("o/<slug:slug>/settings/data/retention", data.retention_view, name="settings_retention"),
    path("o/<slug:slug>/settings/data/exports", data.export_view, name="settings_export"),
    path(
        "o/<slug:slug>/settings/data/exports/<uuid:export_id>/download",
        data.export_download_view,
        name="settings_export_download",
    ),
    path("o/<slug:slug>/settings/data/deletion", data.deletion_view, name="settings_deletion"),
    path("o/<slug:slug>/settings/data/deletion/cancel", data.deletion_cancel_view, name="settings_deletion_cancel"),
    path("o/<slug:slug>/settings/tokens", settings.tokens_view, name="settings_tokens"),
    path("o/<slug:slug>/settings/tokens/new", settings.issue_token_view, name="settings_token_issue"),
    path(
        "o/<slug:slug>/settings/tokens/<uuid:token_id>/revoke",
        settings.revoke_token_view,
        name="settings_token_revoke",
    ),
]
