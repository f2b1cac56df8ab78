"""Times of senders whose clocks are not ours."""

from datetime import datetime, timedelta

TOLERATED = timedelta(minutes=1)
MOST_BELIEVED = timedelta(days=1)


def measured_skew(*, scanned_at: datetime, received_at: datetime, skew: float | None) -> float | None:
    """Seconds by which the sender's clock is ahead of ours, negative when it is behind; None when nothing tells.

    `skew` is what the sender's `Date` says. Without it, a time in our future tells by how much at least.
    """
    if skew is not None and abs(skew) <= MOST_BELIEVED.total_seconds():
        return skew
    ahead = (scanned_at - received_at).total_seconds()
    return ahead if ahead > 0 else None


def by_our_clock(*, scanned_at: datetime, received_at: datetime, skew: float | None) -> datetime:
    """When the scan was, by our clock; never after its report came in, so that nothing is resolved in the future.

    A skew within a minute is left alone: correcting it would only add the network's delays to the order of reports.
    """
    if skew is not None and TOLERATED.total_seconds() < abs(skew) <= MOST_BELIEVED.total_seconds():
        scanned_at -= timedelta(seconds=skew)
    return min(scanned_at, received_at)
