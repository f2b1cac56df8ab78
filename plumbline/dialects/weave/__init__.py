"""Policies of Weave's policy agent: Rego with parameters."""

from plumbline.dialects.weave.policies import is_read, read_policies

__all__ = ["is_read", "read_policies"]
