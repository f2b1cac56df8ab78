"""All routes. The web UI's names are plain (`fix`, `posture`); the API's are prefixed by their app."""

from django.urls import include, path

urlpatterns = [
    path("api/agent/v1/", include("clusters.api.agent_urls")),
    path("api/v1/", include("compliance.api.urls")),
    path("", include("dashboards.urls")),
]
