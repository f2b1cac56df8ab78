"""Where a cluster stands: which report was merged last, of Plumbline's own and of each other engine.

Each engine is a line of its own: its reports are ordered among themselves, and late ones of one engine do not
make another's late. Instants never run backwards in a cluster, whosever report comes when.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clusters.models import Cluster
from compliance.engine_models import ResultSource

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Standing:
    """Of one cluster, before the report of one source is merged; `source` is '' for Plumbline's own."""

    cluster: Cluster
    source: str
    others: tuple[ResultSource, ...]
    own: ResultSource | None

    @classmethod
    def load(cls, cluster: Cluster, source: str) -> "Standing":
        """One query."""
        sources = {row.engine: row for row in ResultSource.objects.filter(cluster=cluster)}
        own = sources.pop(source, None)
        return cls(cluster, source, tuple(sources.values()), own)

    @property
    def last_instant(self) -> datetime | None:
        """When anything in the cluster last changed by a report."""
        instants = [row.merged_at for row in (*self.others, self.own) if row is not None]
        if self.cluster.last_scanned_at is not None:
            instants.append(self.cluster.last_scanned_at)
        return max(instants, default=None)

    def has_seen(self, scanned_at: datetime) -> bool:
        """Whether a report of the same source, as new or newer, was merged."""
        if self.source:
            return self.own is not None and scanned_at <= self.own.scanned_at
        last = self.cluster.last_scanned_at
        return self.has_own_reports and last is not None and scanned_at <= last

    @property
    def has_own_reports(self) -> bool:
        """Whether Plumbline itself has reported: then its reports alone tell how fresh the cluster is."""
        return bool(self.cluster.agent_name) or not (self.others or self.own)

    def instant_of(self, scanned_at: datetime) -> datetime:
        """What the report's changes are dated with: its own time, or just after what another source brought since."""
        last = self.last_instant
        return scanned_at if last is None or scanned_at > last else last + _TICK

    @property
    def missing_count(self) -> int:
        """What other engines than this one say they could not carry."""
        return sum(row.missing_count for row in self.others)

    @property
    def own_unreported_count(self) -> int:
        """What Plumbline's own reports say they could not carry."""
        everything = self.missing_count + (self.own.missing_count if self.own else 0)
        return max(0, self.cluster.unreported_resource_count - everything)
