"""All routes. The web UI's names are plain (`fix`, `posture`); the API's are prefixed by their app."""

from django.urls import include, path

handler400 = "dashboards.errors.bad_request"
handler403 = "dashboards.errors.forbidden"
handler404 = "dashboards.errors.not_found"
handler500 = "dashboards.errors.server_error"

urlpatterns = [
    path("api/agent/v1/", include("clusters.api.agent_urls")),
    path("api/agent/v1/", include("compliance.api.agent_urls")),
    path("api/v1/", include("compliance.api.urls")),
    path("", include("dashboards.urls")),
]
