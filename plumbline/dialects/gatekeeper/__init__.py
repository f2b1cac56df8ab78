"""Gatekeeper's constraint templates and constraints, judged as its audit would judge the objects."""

from plumbline.dialects.gatekeeper.policies import is_read, read_policies

__all__ = ["is_read", "read_policies"]
