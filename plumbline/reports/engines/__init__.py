"""Results of other engines, as they publish them in a cluster, in the shape of our own report."""

from plumbline.reports.engines.bodies import EnginePolicy, EngineReport, convert
from plumbline.reports.engines.documents import NoResultsError, results_of
from plumbline.reports.engines.findings import Finding, Findings
from plumbline.reports.engines.sarif import read_sarif

__all__ = [
    "EnginePolicy", "EngineReport", "Finding", "Findings", "NoResultsError", "convert", "read_sarif", "results_of",
]  # fmt: skip
