"""Times and numbers in words."""

from datetime import UTC, date, datetime, time, timedelta

STEPS = [
    (timedelta(hours=1), timedelta(minutes=1), "min"),
    (timedelta(days=1), timedelta(hours=1), "h"),
    (timedelta(days=14), timedelta(days=1), "d"),
    (timedelta(days=60), timedelta(weeks=1), "wk"),
    (timedelta(days=730), timedelta(days=30), "mo"),
]


def ago_words(instant: datetime | date, present: datetime) -> str:
    """How long ago: `just now`, `5 min ago`, `3 d ago`; what is to come reads `in 3 d`."""
    if not isinstance(instant, datetime):
        instant = datetime.combine(instant, time(), UTC)
    gap = present - instant
    size = abs(gap)
    if size < timedelta(minutes=1):
        return "just now"
    number, unit = size // timedelta(days=365), "y"
    for limit, step, word in STEPS:
        if size < limit:
            number, unit = size // step, word
            break
    return f"{number} {unit} ago" if gap > timedelta() else f"in {number} {unit}"


def duration_words(seconds: float) -> str:
    """A length of time in its largest unit: `45 s`, `12 min`, `3 h`, `2 d`."""
    for limit, step, word in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // step)}\u202f{word}"
    return f"{int(seconds // 86400)}\u202fd"


def percent(share: float | None) -> str:
    """0.836 → `84 %`. Only all is 100 % and only nothing is 0 %: what is nearly so is not rounded to it."""
    if share is None:
        return "no data"
    whole = round(share * 100)
    if whole == 100 and share < 1:
        whole = 99
    if whole == 0 and share > 0:
        whole = 1
    return f"{whole}\u202f%"
