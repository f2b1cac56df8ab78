"""`/api/v1/`: what has been found out, to read; clusters, their tokens and own policies, to manage."""

from django.urls import path

from .clusters import AgentTokenDetail, AgentTokenList, ClusterDetail, ClusterList
from .data import Deletion, ExportDetail, ExportDownload, ExportList
from .ingestion import IngestionList
from .library import PolicyDetail, PolicyList, StandardDetail, StandardList
from .organizations import OrganizationList
from .policy_imports import PolicyImport, PolicyRetirement
from .posture import PostureHistory, PostureNow
from .reports import ReportDetail, ReportDismissal, ReportList, ReportRetry
from .resources import ResourceDetail, ResourceList
from .violations import ViolationDetail, ViolationList

HERE = "organizations/<slug:slug>"

urlpatterns = [
    path("organizations", OrganizationList.as_view(), name="api_organizations"),
    path(f"{HERE}/clusters", ClusterList.as_view(), name="api_clusters"),
    path(f"{HERE}/clusters/<uuid:cluster_id>", ClusterDetail.as_view(), name="api_cluster"),
    path(f"{HERE}/clusters/<uuid:cluster_id>/tokens", AgentTokenList.as_view(), name="api_agent_tokens"),
    path(
        f"{HERE}/clusters/<uuid:cluster_id>/tokens/<uuid:token_id>",
        AgentTokenDetail.as_view(),
        name="api_agent_token",
    ),
    path(f"{HERE}/resources", ResourceList.as_view(), name="api_resources"),
    path(f"{HERE}/resources/<int:resource_id>", ResourceDetail.as_view(), name="api_resource"),
    path(f"{HERE}/violations", ViolationList.as_view(), name="api_violations"),
    path(f"{HERE}/violations/<int:violation_id>", ViolationDetail.as_view(), name="api_violation"),
    path(f"{HERE}/policies", PolicyList.as_view(), name="api_policies"),
    path(f"{HERE}/policies/imports", PolicyImport.as_view(), name="api_policy_imports"),
    path(f"{HERE}/policies/<slug:policy>", PolicyDetail.as_view(), name="api_policy"),
    path(f"{HERE}/policies/<slug:policy>/retire", PolicyRetirement.as_view(), name="api_policy_retire"),
    path(f"{HERE}/standards", StandardList.as_view(), name="api_standards"),
    path(f"{HERE}/standards/<slug:standard>", StandardDetail.as_view(), name="api_standard"),
    path(f"{HERE}/posture", PostureNow.as_view(), name="api_posture"),
    path(f"{HERE}/posture/history", PostureHistory.as_view(), name="api_posture_history"),
    path(f"{HERE}/exports", ExportList.as_view(), name="api_exports"),
    path(f"{HERE}/exports/<uuid:export_id>", ExportDetail.as_view(), name="api_export"),
    path(f"{HERE}/exports/<uuid:export_id>/download", ExportDownload.as_view(), name="api_export_download"),
    path(f"{HERE}/deletion", Deletion.as_view(), name="api_deletion"),
    path(f"{HERE}/ingestion", IngestionList.as_view(), name="api_ingestion"),
    path(f"{HERE}/reports", ReportList.as_view(), name="api_reports"),
    path(f"{HERE}/reports/<uuid:report_id>", ReportDetail.as_view(), name="api_report"),
    path(f"{HERE}/reports/<uuid:report_id>/retry", ReportRetry.as_view(), name="api_report_retry"),
    path(
        f"{HERE}/reports/<uuid:report_id>/dismiss", ReportDismissal.as_view(), name="api_report_dismiss"
    ),
]
