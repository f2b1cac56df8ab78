"""Exceptions to policies: what is excepted, where, why, by whom and until when."""

from plumbline.exceptions.model import ExceptionSet, PolicyException, Standing

__all__ = ["ExceptionSet", "PolicyException", "Standing"]
