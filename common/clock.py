"""The one place that knows what time it is, so that tests can hold it still."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present day in UTC: the day that rollups are kept by."""
    return now().date()
