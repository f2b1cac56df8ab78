"""Merging a report into resources, violations, intervals and rollups: set-based, in one transaction."""

from .merge import MergeOutcome, merge_report, want_snapshot

__all__ = ["MergeOutcome", "merge_report", "want_snapshot"]
