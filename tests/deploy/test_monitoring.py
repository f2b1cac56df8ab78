"""The example alerts and dashboard: well-formed, and of metrics that exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from common.metrics import REGISTRY
from dashboards.views import metrics
from deploy.local.home import CHECKOUT

MONITORING = CHECKOUT / "deploy" / "monitoring"
GROUPS = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
PANELS = DASHBOARD["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for p in PANELS for target in p["targets"]]
DURATION = re.compile(r"\d+[smhd]")
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum"), "unknown": ("",)}


@pytest.fixture
def exposed(client: Client, db: None) -> dict[str, set[str]]:
    """Name of each time series → its labels, as declared or as exposed."""
    metrics._answers.asked_at = float("-inf")
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        for suffix in SUFFIXES[family.type]:
            names[f"{family.name}{suffix}"] = {label for sample in family.samples for label in sample.labels}
    for collector in set(REGISTRY._collector_to_names):
        for name in list(names):
            if name.startswith(collector._name):  # type: ignore[attr-defined]
                names[name] |= {*collector._labelnames, "le"}  # type: ignore[attr-defined]
    return names


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_that_is_asked_for_exists(exposed: dict[str, set[str]], expression: str) -> None:
    named = set(re.findall(r"\bplumbline_[a-z_]+", expression))
    assert named - set(exposed) == set()
    for name, selector in re.findall(r"\b(plumbline_[a-z_]+)\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) - exposed[name] == set()
    assert named or "up{" in expression


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_brackets_and_quotes_close(expression: str) -> None:
    bare = re.sub(r'"[^"]*"', "", expression)
    assert '"' not in bare
    for opening, closing in ("()", "[]", "{}"):
        assert bare.count(opening) == bare.count(closing)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_has_what_prometheus_and_a_person_need(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["alert"])
    assert DURATION.fullmatch(rule.get("for", "1m"))
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_leads_to_a_heading_of_the_runbook(rule: dict[str, Any]) -> None:
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (.+)$", Path(CHECKOUT / file).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_names_are_given_once() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_panels_do_not_overlap_and_fit_the_grid() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_metric_has_its_unit_and_a_sentence() -> None:
    for family in text_string_to_metric_families(generate_latest(REGISTRY).decode()):
        assert family.documentation.endswith(".")
        assert family.type != "histogram" or family.name.endswith("_seconds")


def test_metrics_have_no_label_that_grows_with_tenants() -> None:
    known = {"kind", "code", "form", "outcome", "error", "route", "method", "status"}
    labels = {label for collector in REGISTRY._collector_to_names for label in collector._labelnames}  # type: ignore[attr-defined]
    assert labels <= known
