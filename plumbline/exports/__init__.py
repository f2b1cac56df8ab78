"""Policies of the library as documents that other engines enforce, with the same verdict and the same message."""

from plumbline.exports.documents import FORMATS, export_policy
from plumbline.exports.translation import InexpressibleError

__all__ = ["FORMATS", "InexpressibleError", "export_policy"]
