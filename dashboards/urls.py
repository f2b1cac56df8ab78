"""The web UI's routes. Those of an organization start with `/o/<slug>/`."""

from django.urls import include, path

urlpatterns = [
    path("", include("dashboards.urls_accounts")),
    path("", include("dashboards.urls_tactical")),
    path("", include("dashboards.urls_strategic")),
]
