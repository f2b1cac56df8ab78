"""The agents' API, under /api/agent/v1/."""

from django.urls import path

from .reports import ReportListView, ReportView

urlpatterns = [
    path("reports", ReportListView.as_view(), name="agent_reports"),
    path("reports/<uuid:report_id>", ReportView.as_view(), name="agent_report"),
]
