"""The part of the agents' API that knows policies, under /api/agent/v1/."""

from django.urls import path

from .policy_reports import PolicyReportsView, SarifView

urlpatterns = [
    path("sarif", SarifView.as_view(), name="agent_sarif"),
    path("policy-reports", PolicyReportsView.as_view(), name="agent_policy_reports"),
]
