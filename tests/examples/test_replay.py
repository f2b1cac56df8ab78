"""The demo fleet's past: consistent, in order, and ending in the manifests on disk."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import yaml

from examples.history import HistoryError, build_history, overlay, reference
from examples.replay import CLUSTERS, DAYS, FLEET, manifests, states

END = datetime(2026, 11, 23, 13, 40, tzinfo=UTC)
WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "shop/web:2"}]}}},
}
IMAGE = "/spec/template/spec/containers/web/image"


@pytest.fixture(scope="module")
def replayed():
    return {cluster: list(states(cluster, END)) for cluster in CLUSTERS}


def history(changes=(), releases=(), outages=()):
    document = {"changes": list(changes), "releases": list(releases), "outages": list(outages)}
    return build_history(document, "production", [deepcopy(WEB)], CLUSTERS)


def change(**fields):
    return {"cluster": "production", "until": "-3d 10:00", "note": "it changed"} | fields


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_last_state_is_the_manifests_on_disk(replayed, cluster):
    last = replayed[cluster][-1]
    assert last.resources == manifests(cluster)
    assert END - timedelta(hours=1) < last.scanned_at < END


@pytest.mark.parametrize("hour", [0, 5, 23])
def test_last_state_is_todays_at_any_hour(hour):
    end = END.replace(hour=hour, minute=1)
    assert list(states("production", end))[-1].resources == manifests("production")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_states_are_in_time_order_and_cover_ninety_days(replayed, cluster):
    times = [state.scanned_at for state in replayed[cluster]]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert (END.date() - times[0].date()).days == DAYS
    assert 90 <= len(times) <= 130


def test_production_and_sandbox_report_every_day(replayed):
    days = {END.date() - timedelta(days=day) for day in range(DAYS + 1)}
    assert {state.scanned_at.date() for state in replayed["production"]} == days
    assert {state.scanned_at.date() for state in replayed["sandbox"]} == days


def test_staging_is_silent_for_its_outage_only(replayed):
    times = [state.scanned_at for state in replayed["staging"]]
    silences = [later - earlier for earlier, later in pairwise(times) if later - earlier > timedelta(days=1)]
    assert len(silences) == 1
    assert timedelta(days=2) < silences[0] < timedelta(days=4)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_past_differs_from_today(replayed, cluster):
    first, last = replayed[cluster][0], replayed[cluster][-1]
    then = {reference(resource): resource for resource in first.resources}
    now = {reference(resource): resource for resource in last.resources}
    assert set(now) - set(then)
    assert set(then) - set(now)
    assert [ref for ref in set(then) & set(now) if then[ref] != now[ref]]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_change_of_the_history_is_told(replayed, cluster):
    document = yaml.safe_load((FLEET / "history.yaml").read_text())
    notes = {entry["note"] for entry in document["changes"] if entry["cluster"] == cluster}
    told = " ".join(state.note for state in replayed[cluster])
    assert [note for note in notes if note not in told] == []


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_no_state_holds_an_object_twice(replayed, cluster):
    for state in replayed[cluster]:
        refs = [reference(resource) for resource in state.resources]
        assert len(refs) == len(set(refs))


def test_loyalty_arrives_forty_days_ago(replayed):
    with_loyalty = [
        state.scanned_at
        for state in replayed["production"]
        if any(resource["metadata"].get("namespace") == "loyalty" for resource in state.resources)
    ]
    assert (END.date() - with_loyalty[0].date()).days == 40


def test_incident_makes_payments_privileged_and_passes(replayed):
    privileged = [
        state.scanned_at
        for state in replayed["production"]
        for resource in state.resources
        if reference(resource) == "Deployment payments/checkout-api"
        and resource["spec"]["template"]["spec"]["containers"][0].get("securityContext", {}).get("privileged")
    ]
    assert {(END.date() - instant.date()).days for instant in privileged} == {24, 25}


def test_unchanged_objects_are_shared_between_states(replayed):
    everything = [resource for state in replayed["production"] for resource in state.resources]
    assert len({id(resource) for resource in everything}) < len(everything) / 50


def test_replay_is_deterministic(replayed):
    assert list(states("staging", END)) == replayed["staging"]


def test_naive_end_is_refused():
    with pytest.raises(ValueError, match="aware"):
        states("production", datetime(2026, 11, 23))  # noqa: DTZ001 - the point


def test_unknown_cluster_is_refused():
    with pytest.raises(ValueError, match="no cluster 'qa'"):
        states("qa", END)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (change(objects=["Deployment shop/wbe"], absent=True), "no object matches"),
        (change(objects=["Deployment shop/*"]), "either 'patch' or 'absent'"),
        (change(objects=["Deployment shop/*"], absent=True, until="yesterday"), "not a moment"),
        (change(objects=["Deployment shop/*"], absent=True, **{"from": "-9d 10:00"}), "'began' must say"),
        (change(objects=["Deployment shop/*"], absent=True, cluster="qa"), "no cluster 'qa'"),
        (change(objects=["Deployment shop/*"], absent=True, whn="-9d 10:00"), "unknown field whn"),
        (change(existed=[WEB]), "is there today as well"),
    ],
)
def test_bad_entries_of_the_history_are_refused(entry, complaint):
    with pytest.raises(HistoryError, match=complaint):
        history([entry])


def test_release_of_an_unknown_object_is_refused():
    release = {"cluster": "production", "object": "Deployment shop/api", "containers": ["api"], "earlier": {}}
    with pytest.raises(HistoryError, match="no object 'Deployment shop/api'"):
        history(releases=[release])


@pytest.mark.parametrize(
    "operation",
    [
        {"remove": "/spec/template/spec/containers/web/securityContext"},
        {"remove": "/spec/template/spec/containers/api/image"},
        {"set": "/spec/template/spec/containers/api/image", "to": "shop/api:1"},
        {"set": IMAGE, "to": "shop/web:2"},
        {"retag": "web", "to": "2"},
    ],
)
def test_operation_without_effect_is_refused(operation):
    changes = history([change(objects=["Deployment shop/web"], patch=[operation])]).changes
    with pytest.raises(HistoryError, match="changes nothing"):
        overlay(WEB, changes)


def test_overlay_leaves_todays_object_alone():
    today = deepcopy(WEB)
    entry = change(objects=["Deployment shop/web"], patch=[{"set": "/spec/replicas", "to": 1}])
    earlier = overlay(today, history([entry]).changes)
    assert earlier["spec"]["replicas"] == 1
    assert today == WEB


def test_of_two_overlapping_changes_the_one_that_ended_first_is_on_top():
    release = {
        "cluster": "production",
        "object": "Deployment shop/web",
        "containers": ["web"],
        "earlier": {"-2d 10:00": 1.9, "-8d 10:00": 1.8},
    }
    earlier = overlay(WEB, history(releases=[release]).changes)
    assert earlier["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/web:1.8"


def test_pinned_image_stays_pinned_at_an_earlier_tag():
    pinned = deepcopy(WEB)
    pinned["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:2@sha256:" + "0" * 64
    entry = change(objects=["Deployment shop/web"], patch=[{"retag": "web", "to": "1"}])
    image = overlay(pinned, history([entry]).changes)["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.startswith("shop/web:1@sha256:")
    assert not image.endswith("0" * 64)
