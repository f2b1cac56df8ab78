"""Policies: folders of `policy.yaml`, as dataclasses."""

from plumbline.policies.loading import load_policies, load_policy, parse_policy
from plumbline.policies.model import (
    ELEMENT_NAMES,
    Each,
    FixStep,
    Match,
    Policy,
    PolicyError,
    Related,
    Rule,
    is_excluded,
    matches_kind,
)

__all__ = [
    "ELEMENT_NAMES",
    "Each",
    "FixStep",
    "Match",
    "Policy",
    "PolicyError",
    "Related",
    "Rule",
    "is_excluded",
    "load_policies",
    "load_policy",
    "matches_kind",
    "parse_policy",
]
