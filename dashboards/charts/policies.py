"""Which policies are violated most: zero-based bars, one per policy."""

from collections.abc import Sequence
from typing import Any

from compliance.models import Severity
from compliance.selectors.counts import Counts
from compliance.selectors.posture import ViolatedPolicy

from .layout import chart, figure, value_axis


def most_violated(rows: Sequence[ViolatedPolicy], *, policy_url: str) -> dict[str, Any]:
    """Resources that fail each policy, worst first. `policy_url` holds `{policy}`: the list behind a bar."""
    upward = list(reversed(rows))
    words = [Severity(row.policy.severity).label.lower() for row in upward]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": "Failing resources",
            "x": [row.counts.failed for row in upward],
            "y": [row.policy.slug for row in upward],
            "text": [f"{row.counts.failed} {word}" for row, word in zip(upward, words, strict=True)],
            "textposition": "outside",
            "cliponaxis": False,
            "textfont": {"color": "@text-soft", "size": 11},
            "marker": {"color": [f"@{word}-mark" for word in words]},
            "customdata": [policy_url.format(policy=row.policy.slug) for row in upward],
            "hovertext": [
                f"{row.policy.title}<br>{row.counts.failed} of {row.counts.passed + row.counts.failed} fail"
                for row in upward
            ],
            "hoverinfo": "text",
        }
    ]
    return chart(
        "Most violated policies",
        figure(
            data,
            hovermode="closest",
            margin={"l": 8, "r": 72, "t": 4, "b": 24},
            xaxis=value_axis(rangemode="tozero", tickformat="d"),
            yaxis={"automargin": True, "fixedrange": True, "ticks": "", "showgrid": False},
        ),
        ["Policy", "Severity", "Failing resources", "Passing resources", "Errors"],
        [(row.policy.slug, row.policy.get_severity_display(), *_verdicts(row.counts)) for row in rows],
    )


def _verdicts(counts: Counts) -> tuple[int, int, int]:
    return counts.failed, counts.passed, counts.errored
