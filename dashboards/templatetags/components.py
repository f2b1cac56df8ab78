"""The small components as tags: `{% load components %}`. Each has one template in templates/components/.

Those that stand in every row of a list are rendered once for each of their few values, and kept.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.clock import now
from compliance.models import Severity
from dashboards.templatetags.words import ago_words, percent

register = template.Library()

STATUS_TONES = {
    "open": "high",
    "excepted": "notice",
    "resolved": "good",
    "accepted": "accent",
    "processed": "good",
    "superseded": "neutral",
    "parked": "notice",
}
STATUS_ICONS = {"open": "open", "excepted": "excepted", "resolved": "resolved", "accepted": "clock"} | {
    "processed": "resolved",
    "superseded": "resolved",
    "parked": "warning",
}
ENVIRONMENT_TONES = {"production": "accent"}


@register.simple_tag
def icon(name: str, **attributes: str) -> SafeString:
    """An icon of static/img/icons.svg, hidden from screen readers. `class="…"` replaces `icon`."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        attributes.get("class", "icon"),
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def severity(value: int | str, filled: bool = False) -> SafeString:
    """A severity as icon, word and colour. `value` is 1–4 or a word; 0 shows a dash."""
    word = Severity(value).label.lower() if isinstance(value, int) and value else str(value or "")
    return _badge(word.capitalize(), word, word, filled)


@register.simple_tag
def status(value: str, filled: bool = False) -> SafeString:
    """A status of a violation or a report as icon, word and colour."""
    tone = STATUS_TONES.get(value, "neutral")
    return _badge(value.capitalize(), tone, STATUS_ICONS.get(value, "info"), filled)


@register.simple_tag
def badge(label: str, tone: str = "neutral", icon: str = "", filled: bool = True) -> SafeString:
    """Any other word with a tone: critical, high, medium, low, good, notice, accent or neutral."""
    return _badge(str(label), tone, icon, filled)


@lru_cache(maxsize=1024)
def _badge(label: str, tone: str, icon: str, filled: bool) -> SafeString:
    context = {"tone": tone, "icon": icon, "label": label, "filled": filled}
    return render_to_string("components/_badge.html", context)


@register.simple_tag
def ago(instant: datetime | date | None, empty: str = "never") -> SafeString:
    """A time in relation to now, with the exact instant (UTC) on hover. Not a template: a page may hold hundreds."""
    if not instant:
        return format_html('<span class="faint">{}</span>', empty)
    exact = f"{instant:%Y-%m-%d %H:%M:%S}"
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>', instant.isoformat(), exact, ago_words(instant, now())
    )


@register.inclusion_tag("components/_ring.html")
def ring(coverage: float | None) -> dict[str, Any]:
    """Coverage, 0–1, as a ring: full only when all that applies was evaluated."""
    share = 0.0 if coverage is None else max(0.0, min(1.0, coverage))
    # The circle's circumference is 100 units, so that a share is its dash.
    return {"dash": f"{share * 100:.1f}", "percent": percent(share), "is_partial": share < 0.9}


@register.simple_tag
def posture(score: float | None, coverage: float | None, brief: bool = False) -> SafeString:
    """A score with its coverage, both 0–1. Without data it says so; `brief` leaves coverage's words out."""
    return _posture(score, coverage, bool(brief))


@lru_cache(maxsize=4096)
def _posture(score: float | None, coverage: float | None, brief: bool) -> SafeString:
    return render_to_string("components/_posture.html", {"score": score, "coverage": coverage, "brief": brief})


@register.inclusion_tag("components/_stat.html")
def stat(label: str, value: Any, **options: Any) -> dict[str, Any]:
    """One number. Options: unit, href, delta (signed number), delta_unit, since ("in 30 days"), down_is_good,
    coverage (0–1), points (numbers for a sparkline), note.
    """
    delta = options.get("delta")
    better = bool(delta) and ((delta < 0) == bool(options.get("down_is_good")))
    return {
        "label": label,
        "value": value,
        "delta_class": "" if not delta else "good" if better else "bad",
        "delta_text": "" if delta is None else f"{delta:+,}".replace("-", "−") if delta else "±0",
        **options,
    }


@register.inclusion_tag("components/_sparkline.html")
def sparkline(
    points: Sequence[float | None], low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    """A line of two or more numbers without axes; gaps where one is None. Decoration beside a number."""
    known = [point for point in points if point is not None]
    if len(known) < 2:
        return {"path": ""}
    low = min(known) if low is None else low
    high = max(known) if high is None else high
    span = (high - low) or 1.0
    step = 96 / (len(points) - 1)
    parts: list[str] = []
    is_drawing = False
    x = y = 0.0
    for index, point in enumerate(points):
        if point is None:
            is_drawing = False
            continue
        x, y = index * step, 20 - (point - low) / span * 18
        parts.append(f"{'L' if is_drawing else 'M'}{x:.1f} {y:.1f}")
        is_drawing = True
    return {"path": "".join(parts), "x": f"{x:.1f}", "y": f"{y:.1f}"}


@register.simple_tag
def meter(value: float, most: float, tone: str = "accent", label: str = "") -> SafeString:
    """A zero-based bar: `value` of `most`."""
    share = min(1.0, value / most) if most else 0.0
    return _meter(f"{share * 100:.1f}", tone, str(label))


@lru_cache(maxsize=4096)
def _meter(width: str, tone: str, label: str) -> SafeString:
    return render_to_string("components/_meter.html", {"width": width, "tone": tone, "label": label})


@register.inclusion_tag("components/_severity_bar.html")
def severity_bar(counts: Mapping[str, int], most: int = 0) -> dict[str, Any]:
    """Open violations by severity as one stacked bar. `counts`: word → number; `most`: the longest bar's."""
    total = sum(counts.values())
    scale = 100 / (most or total or 1)
    parts = []
    x = 0.0
    for word in ("critical", "high", "medium", "low"):
        width = counts.get(word, 0) * scale
        parts.append({"word": word, "x": f"{x:.2f}", "width": f"{width:.2f}", "count": counts.get(word, 0)})
        x += width
    return {
        "parts": parts,
        "total": total,
        "label": ", ".join(f"{p['count']} {p['word']}" for p in parts if p["count"]),
    }


@register.inclusion_tag("components/_copy.html")
def copy(text: str, label: str = "Copy") -> dict[str, Any]:
    """A button that copies `text`."""
    return {"text": text, "label": label}


@register.inclusion_tag("components/_state.html")
def state(title: str, text: str = "", **options: Any) -> dict[str, Any]:
    """Nothing to show, or an error, with the next step.

    Options: icon, tone, action and href of a button, second and second_href of another, centred.
    """
    return {"title": title, "text": text, **options}


@register.inclusion_tag("components/_chart.html")
def chart(title: str, url: str, height: int = 280, **options: Any) -> dict[str, Any]:
    """A chart that loads after the page, of 160, 220, 280, 340 or 420 px. Options: note, id, level."""
    return {"title": title, "url": url, "height": height, "level": options.pop("level", 2), **options}


@register.inclusion_tag("components/_sort.html", takes_context=True)
def sort_header(context: RequestContext, label: str, name: str, **options: Any) -> dict[str, Any]:
    """A `<th>` that sorts by `?sort=name` or `-name`. Options: class, default (the page's own order)."""
    query = context["request"].GET
    present = query.get("sort") or options.get("default", "")
    is_up, is_down = present == name, present == f"-{name}"
    following = query.copy()
    following.pop("cursor", None)
    following["sort"] = name if is_down else f"-{name}"
    return {
        "label": label,
        "class": options.get("class", ""),
        "direction": "ascending" if is_up else "descending" if is_down else "",
        "icon": "up" if is_up else "down",
        "url": f"?{following.urlencode()}",
    }


register.filter(percent)


@register.filter
def magnitude(number: int) -> int:
    """A number without its sign, for sentences that say up or down."""
    return abs(number)


@register.filter
def thousands(number: int | None) -> str:
    """12345 → `12,345`."""
    return "—" if number is None else f"{number:,}"
