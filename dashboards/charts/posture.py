"""Charts of posture over time: pure functions, days in, figures out."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from compliance.selectors.history import Day, History
from dashboards.templatetags.words import percent

from .layout import chart, figure, note, time_axis, value_axis

LEAP = 0.02
LEAPS_SHOWN = 3


def trend(history: History, *, day_url: str) -> dict[str, Any]:
    """Posture above, coverage below, on one time axis, with the events that moved them.

    `day_url` holds `{day}`: where a click on a day leads.
    """
    days = history.days
    links = [day_url.format(day=day.day.isoformat()) for day in days]
    scores = [_points(day.posture.score) for day in days]
    coverages = [_points(day.posture.coverage) for day in days]
    known = [score for score in scores if score is not None]
    floor, ceiling = _bounds(known)
    data = [
        _line(days, scores, links, name="Posture", axis="y", colour="@series-1"),
        _line(days, coverages, links, name="Coverage", axis="y2", colour="@text-faint")
        | {"fill": "tozeroy", "fillcolor": "@text-faint/12"},
    ]
    marks = events(history)
    return chart(
        "Posture and coverage",
        figure(
            data,
            hoversubplots="axis",
            xaxis=time_axis(anchor="y2", ticklabelstandoff=4),
            yaxis=value_axis(domain=[0.36, 1], range=[floor, ceiling], ticksuffix=" %"),
            yaxis2=value_axis(domain=[0, 0.24], range=[0, 108], tickvals=[0, 100], ticktext=["0 %", "100 %"]),
            annotations=[
                note("Posture", x=0, y=1, xref="paper", yref="paper", xanchor="left", yanchor="bottom"),
                note("Coverage", x=0, y=0.245, xref="paper", yref="paper", xanchor="left", yanchor="bottom"),
                *_last_labels(days, scores, coverages),
                *_event_labels(marks, days),
            ],
            shapes=[_event_line(day) for day, _ in marks],
        ),
        ["Day", "Posture %", "Coverage %", "Open", "Opened", "Resolved"],
        [_twin_row(day) for day in reversed(days)],
    )


def _bounds(known: list[float]) -> tuple[float, float]:
    """Whole tens around the scores, with room at the top for the labels of events."""
    floor = max(0, (int(min(known, default=0)) - 4) // 10 * 10)
    top = min(100, (int(max(known, default=100)) + 13) // 10 * 10)
    return floor, top + (top - floor) * 0.16


def _twin_row(day: Day) -> tuple[Any, ...]:
    shares = (_points(day.posture.score), _points(day.posture.coverage))
    return (day.day.isoformat(), *shares, day.open.all, day.opened_count, day.resolved_count)


def events(history: History) -> list[tuple[date, str]]:
    """What a reader should know beside the line: clusters that joined, and the largest leaps of a day."""
    start, end = history.days[0].day, history.days[-1].day
    joined: dict[date, list[str]] = {}
    for name, day in history.joined.items():
        if start < day <= end:
            joined.setdefault(day, []).append(name)
    found = [(day, f"{', '.join(names)} added") for day, names in joined.items()]
    leaps = []
    for before, after in zip(history.days, history.days[1:], strict=False):
        if before.posture.score is None or after.posture.score is None or after.day in joined:
            continue
        change = after.posture.score - before.posture.score
        if abs(change) >= LEAP:
            leaps.append((abs(change), after.day, f"{_signed(round(change * 100))} points"))
    leaps.sort(reverse=True)
    found += [(day, text) for _, day, text in leaps[:LEAPS_SHOWN]]
    return sorted(found)


def flow(history: History, *, weekly: bool, url: str) -> dict[str, Any]:
    """Violations opened (up) and resolved (down) per day or week, with the net as a line."""
    periods = (
        _weeks(history.days) if weekly else [(d.day, d.opened_count, d.resolved_count) for d in history.days]
    )
    x = [day.isoformat() for day, _, _ in periods]
    links = [url] * len(periods)
    data = [
        _bar(x, [opened for _, opened, _ in periods], links, name="Opened", colour="@high-mark"),
        _bar(x, [-resolved for _, _, resolved in periods], links, name="Resolved", colour="@series-2"),
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "Net",
            "x": x,
            "y": [opened - resolved for _, opened, resolved in periods],
            "line": {"color": "@text", "width": 1.5},
            "marker": {"size": 4},
            "customdata": links,
            "hovertemplate": "%{y:+d}<extra>Net</extra>",
        },
    ]
    return chart(
        "Opened and resolved",
        figure(
            data,
            barmode="relative",
            xaxis=time_axis(hoverformat="Week of %d %b %Y" if weekly else "%a %d %b %Y"),
            yaxis=value_axis(zeroline=True, range=_flow_bounds(periods)),
            annotations=[
                note("▲ opened", x=0, y=1, xref="paper", yref="paper", xanchor="left", yanchor="bottom")
                | {"font": {"color": "@high", "size": 12}},
                note(
                    "▼ resolved",
                    x=0.0,
                    y=1,
                    xref="paper",
                    yref="paper",
                    xanchor="left",
                    yanchor="bottom",
                    xshift=72,
                )
                | {"font": {"color": "@series-2", "size": 12}},
                note(
                    "— net",
                    x=0.0,
                    y=1,
                    xref="paper",
                    yref="paper",
                    xanchor="left",
                    yanchor="bottom",
                    xshift=152,
                ),
            ],
        ),
        ["Week of" if weekly else "Day", "Opened", "Resolved", "Net"],
        [
            (day.isoformat(), opened, resolved, opened - resolved)
            for day, opened, resolved in reversed(periods)
        ],
    )


def _flow_bounds(periods: Sequence[tuple[date, int, int]]) -> tuple[float, float]:
    """Both sides of zero with some air, so that no bar or point is cut off."""
    up = max((opened for _, opened, _ in periods), default=0)
    down = max((resolved for _, _, resolved in periods), default=0)
    air = max(1, (up + down) * 0.08)
    return -down - air, up + air


def _weeks(days: Sequence[Day]) -> list[tuple[date, int, int]]:
    sums: dict[date, tuple[int, int]] = {}
    for day in days:
        monday = day.day - timedelta(days=day.day.weekday())
        opened, resolved = sums.get(monday, (0, 0))
        sums[monday] = (opened + day.opened_count, resolved + day.resolved_count)
    return [(monday, opened, resolved) for monday, (opened, resolved) in sorted(sums.items())]


def _line(
    days: Sequence[Day], values: list[float | None], links: list[str], *, name: str, axis: str, colour: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [day.day.isoformat() for day in days],
        "y": values,
        "yaxis": axis,
        "line": {"color": colour, "width": 2},
        "connectgaps": False,
        "customdata": links,
        "hovertemplate": "%{y:.1f} %<extra>" + name + "</extra>",
    }


def _bar(x: list[str], y: list[int], links: list[str], *, name: str, colour: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "x": x,
        "y": y,
        "customdata": links,
        "text": [abs(value) for value in y],
        "textposition": "none",
        "marker": {"color": colour},
        "hovertemplate": "%{text}<extra>" + name + "</extra>",
    }


def _last_labels(
    days: Sequence[Day], scores: list[float | None], coverages: list[float | None]
) -> list[dict[str, Any]]:
    labels = []
    for value, axis in ((scores[-1], "y"), (coverages[-1], "y2")):
        if value is not None:
            labels.append(
                note(percent(value / 100), x=days[-1].day.isoformat(), y=value, yref=axis)
                | {"xanchor": "left", "xshift": 6, "font": {"color": "@text", "size": 12, "weight": 600}}
            )
    return labels


def _event_line(day: date) -> dict[str, Any]:
    line = {"color": "@border-control", "width": 1, "dash": "dot"}
    at = day.isoformat()
    return {"type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1, "line": line}


def _event_labels(marks: list[tuple[date, str]], days: Sequence[Day]) -> list[dict[str, Any]]:
    """A label at the head of each event's line, on the side with room; neighbours go one below another."""
    labels = []
    level = 0
    for number, (day, text) in enumerate(marks):
        is_near = number > 0 and (day - marks[number - 1][0]).days < len(days) / 8
        level = level + 1 if is_near else 0
        is_late = (days[-1].day - day).days < len(days) / 6
        side = {"xanchor": "right", "xshift": -4} if is_late else {"xanchor": "left", "xshift": 4}
        label = note(
            text, x=day.isoformat(), y=1, yref="paper", yanchor="top", yshift=-15 * level, name="event"
        )
        labels.append(label | side | {"font": {"color": "@text-faint", "size": 11}})
    return labels


def _points(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)


def _signed(number: int) -> str:
    return f"+{number}" if number > 0 else f"−{abs(number)}"
