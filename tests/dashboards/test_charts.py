"""Charts are pure: days and rows in, a figure and its table twin out."""

from datetime import date, timedelta

from compliance.models import Policy, Severity
from compliance.posture import Posture
from compliance.selectors.counts import Counts
from compliance.selectors.history import Day, History
from compliance.selectors.posture import ViolatedPolicy
from compliance.selectors.standing import OpenCounts
from dashboards.charts.policies import most_violated
from dashboards.charts.posture import events, flow, trend

MONDAY = date(2026, 3, 2)


def day(number: int, *, passed: int = 80, failed: int = 20, **more: int) -> Day:
    return Day(MONDAY + timedelta(days=number), Posture(passed, failed), OpenCounts(high=failed), **more)


def test_trend_draws_posture_over_coverage_on_one_time_axis() -> None:
    silent = Day(MONDAY + timedelta(days=1), Posture(unreported=100))
    answer = trend(History((day(0), silent)), day_url="/o/acme/fix?as_of={day}")
    posture, coverage = answer["figure"]["data"]
    assert posture["y"] == [80.0, None]
    assert coverage["y"] == [100.0, 0.0]
    assert posture["x"] == coverage["x"] == ["2026-03-02", "2026-03-03"]
    assert (
        answer["figure"]["layout"]["yaxis2"]["domain"][1] < answer["figure"]["layout"]["yaxis"]["domain"][0]
    )


def test_trend_leads_each_day_to_what_was_open_on_it() -> None:
    answer = trend(History((day(0), day(1))), day_url="/o/acme/fix?as_of={day}")
    assert answer["figure"]["data"][0]["customdata"][1] == "/o/acme/fix?as_of=2026-03-03"


def test_table_twin_lists_the_newest_day_first() -> None:
    answer = trend(History((day(0), day(1, opened_count=3, resolved_count=1))), day_url="{day}")
    assert answer["table"]["rows"][0] == ["2026-03-03", 80.0, 100.0, 20, 3, 1]
    assert len(answer["table"]["columns"]) == len(answer["table"]["rows"][0])


def test_a_cluster_that_joined_is_an_event_and_its_leap_is_not_told_twice() -> None:
    history = History((day(0), day(1, passed=50, failed=50)), {"sandbox": MONDAY + timedelta(days=1)})
    assert events(history) == [(MONDAY + timedelta(days=1), "sandbox added")]


def test_a_cluster_that_was_there_before_is_no_event() -> None:
    assert events(History((day(0), day(1)), {"production": MONDAY})) == []


def test_a_leap_of_points_is_an_event_with_its_sign() -> None:
    history = History((day(0), day(1, passed=70, failed=30)))
    assert events(history) == [(MONDAY + timedelta(days=1), "−10 points")]


def test_flow_draws_opened_up_and_resolved_down_with_the_net() -> None:
    answer = flow(History((day(0, opened_count=5, resolved_count=2),)), weekly=False, url="/o/acme/fix")
    opened, resolved, net = answer["figure"]["data"]
    assert (opened["y"], resolved["y"], net["y"]) == ([5], [-2], [3])
    assert answer["table"]["rows"] == [["2026-03-02", 5, 2, 3]]


def test_flow_by_week_sums_monday_to_sunday() -> None:
    week = [day(n, opened_count=1, resolved_count=0) for n in range(8)]
    answer = flow(History(tuple(week)), weekly=True, url="/")
    assert answer["table"]["rows"] == [["2026-03-09", 1, 0, 1], ["2026-03-02", 7, 0, 7]]


def test_most_violated_policies_start_at_zero_and_lead_to_their_list() -> None:
    policy = Policy(slug="host-path", title="No host paths", severity=Severity.HIGH, weight=5)
    answer = most_violated(
        [ViolatedPolicy(policy, Counts(passed=6, failed=4))], policy_url="/o/acme/fix?policy={policy}"
    )
    bars = answer["figure"]["data"][0]
    assert bars["x"] == [4]
    assert bars["text"] == ["4 high"]
    assert bars["customdata"] == ["/o/acme/fix?policy=host-path"]
    assert answer["figure"]["layout"]["xaxis"]["rangemode"] == "tozero"
    assert answer["table"]["rows"] == [["host-path", "High", 4, 6, 0]]


def test_colours_are_tokens_so_that_both_themes_fit() -> None:
    answer = flow(History((day(0),)), weekly=False, url="/")
    colours = [trace["marker"].get("color", "@") for trace in answer["figure"]["data"]]
    assert all(colour.startswith("@") for colour in colours)
