"""Kyverno's policies in CEL: ValidatingPolicy, with the variants that it generates for what owns pods."""

from plumbline.dialects.kyverno.policies import KINDS, UNSUPPORTED, read_policies

__all__ = ["KINDS", "UNSUPPORTED", "read_policies"]
