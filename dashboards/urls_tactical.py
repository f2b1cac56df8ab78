"""The tactical pages: what is to be fixed, where, and by which rule."""

from django.urls import path

from dashboards.views import own_policies, policies, policy_links, search, standards, tactical, workloads

urlpatterns = [
    path("o/<slug:slug>/fix", tactical.fix, name="fix"),
    path("o/<slug:slug>/violations/<int:violation_id>", tactical.violation, name="violation"),
    path("o/<slug:slug>/workloads", workloads.workloads, name="workloads"),
    path("o/<slug:slug>/workloads/<int:resource_id>", workloads.workload, name="workload"),
    path("o/<slug:slug>/policies", policies.policies, name="policies"),
    path("o/<slug:slug>/policies/import", own_policies.policy_import, name="policy_import"),
    path("o/<slug:slug>/policies/<slug:policy_slug>", policies.policy, name="policy"),
    path("o/<slug:slug>/policies/<slug:policy_slug>/links", policy_links.policy_link, name="policy_link"),
    path("o/<slug:slug>/policies/<slug:policy_slug>/unlink", policy_links.policy_unlink, name="policy_unlink"),
    path("o/<slug:slug>/policies/<slug:policy_slug>/retire", own_policies.policy_retire, name="policy_retire"),
    path("o/<slug:slug>/standards", standards.standards, name="standards"),
    path("o/<slug:slug>/standards/<slug:standard_slug>", standards.standard, name="standard"),
    path("o/<slug:slug>/search", search.search_results, name="search"),
]
