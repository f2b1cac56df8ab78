"""Routes of posture and clusters."""

from django.urls import path

from dashboards.views import clusters, ingestion, posture

urlpatterns = [
    path("o/<slug:slug>/posture", posture.posture_view, name="posture"),
    path("o/<slug:slug>/posture/teams", posture.posture_teams_view, name="posture_teams"),
    path("o/<slug:slug>/posture/charts/<slug:name>.json", posture.posture_chart_view, name="posture_chart"),
    path("o/<slug:slug>/clusters", clusters.clusters_view, name="clusters"),
    path("o/<slug:slug>/clusters/choices", clusters.cluster_choices_view, name="cluster_choices"),
    path("o/<slug:slug>/clusters/new", clusters.cluster_new_view, name="cluster_new"),
    path("o/<slug:slug>/clusters/ingestion", ingestion.ingestion_view, name="ingestion"),
    path("o/<slug:slug>/clusters/<uuid:cluster_id>", clusters.cluster_view, name="cluster"),
    path(
        "o/<slug:slug>/clusters/<uuid:cluster_id>/tokens",
        clusters.token_issue_view,
        name="cluster_token_issue",
    ),
    path(
        "o/<slug:slug>/clusters/<uuid:cluster_id>/reports/<uuid:report_id>/retry",
        ingestion.report_retry_view,
        name="report_retry",
    ),
    path(
        "o/<slug:slug>/clusters/<uuid:cluster_id>/reports/<uuid:report_id>/dismiss",
        ingestion.report_dismiss_view,
        name="report_dismiss",
    ),
    path(
        "o/<slug:slug>/clusters/<uuid:cluster_id>/tokens/<uuid:token_id>/revoke",
        clusters.token_revoke_view,
        name="cluster_token_revoke",
    ),
]
