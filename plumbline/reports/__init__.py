"""Reports: what a scan found, in the shape that a Plumbline server takes, and the way there."""

from plumbline.reports.build import build_report
from plumbline.reports.parts import send_report
from plumbline.reports.post import ReportError, post_report

__all__ = ["ReportError", "build_report", "post_report", "send_report"]
