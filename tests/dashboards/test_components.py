"""The small components: what they show, and that nothing in them needs an inline style."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from dashboards.templatetags.code import diff_lines
from dashboards.templatetags.components import sparkline
from dashboards.templatetags.words import ago_words, percent

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def render(source: str, **context: object) -> str:
    return Template("{% load components code %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("share", "words"),
    [(None, "no data"), (1, "100\u202f%"), (0.9996, "99\u202f%"), (0.0004, "1\u202f%"), (0, "0\u202f%")],
)
def test_nearly_all_is_not_all_and_no_data_is_not_zero(share: float | None, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=3), "3 d ago"),
        (timedelta(days=40), "5 wk ago"),
        (timedelta(days=800), "2 y ago"),
        (timedelta(days=-2), "in 2 d"),
    ],
)
def test_times_are_told_in_relation_to_now(gap: timedelta, words: str) -> None:
    assert ago_words(NOON - gap, NOON) == words


def test_time_carries_the_exact_instant() -> None:
    html = render("{% ago instant %}", instant=NOON)
    assert 'datetime="2026-03-02T12:00:00+00:00"' in html
    assert 'title="2026-03-02 12:00:00 UTC"' in html


def test_severity_is_icon_word_and_colour() -> None:
    html = render("{% severity 4 %}")
    assert "Critical" in html
    assert "#critical" in html
    assert "tone-critical" in html


def test_score_is_never_shown_without_its_coverage() -> None:
    html = render("{% posture 0.84 0.5 brief=True %}")
    assert "84\u202f%" in html
    assert 'aria-label="Coverage 50\u202f%"' in html
    assert "no data" in render("{% posture None None %}")


def test_stat_tells_whether_its_change_is_good() -> None:
    assert 'delta good">−3' in render('{% stat "Open" 4 delta=-3 down_is_good=True %}')
    assert 'delta bad">−3' in render('{% stat "Posture" 4 delta=-3 %}')
    assert "±0" in render('{% stat "Posture" 4 delta=0 %}')


def test_sparkline_breaks_where_nothing_is_known() -> None:
    assert sparkline([1.0, None, 2.0])["path"].count("M") == 2
    assert sparkline([None, 1.0])["path"] == ""


def test_manifest_marks_one_line_and_escapes_what_it_shows() -> None:
    html = render("{% manifest text marked=2 %}", text="kind: Pod\nname: <script>")
    assert html.count('class="marked"') == 1
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_diff_numbers_both_sides() -> None:
    rows = list(
        diff_lines("--- a\n+++ b\n@@ -4,2 +4,2 @@\n kind: Pod\n-privileged: true\n+privileged: false\n")
    )
    assert [(row["kind"], row["old"], row["new"]) for row in rows] == [
        ("hunk", "", ""),
        ("", 4, 4),
        ("removed", 5, ""),
        ("added", "", 5),
    ]


def test_sort_header_turns_round_and_forgets_the_cursor() -> None:
    request = RequestFactory().get("/", {"sort": "-name", "cursor": "abc"})
    html = render('{% sort_header "Name" "name" %}', request=request)
    assert 'aria-sort="descending"' in html
    assert 'href="?sort=name"' in html


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_needs_more_than_the_strict_policy_allows(path: Path) -> None:
    source = path.read_text()
    assert ' style="' not in source
    assert "<style" not in source
    assert "javascript:" not in source
    assert " onclick=" not in source
    assert "<script>" not in source
