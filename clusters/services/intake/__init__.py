"""Taking a report in: read the body, parse it, judge it, make it durable. Refusals are PlumblineErrors."""

from .receipts import Receipt, accept_report, receipt_of

__all__ = ["Receipt", "accept_report", "receipt_of"]
