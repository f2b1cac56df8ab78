"""Parameters of policies that differ by cluster, environment, team, namespace or resource."""

from plumbline.parameters.model import Entry, Overlay, ScopedParameters

__all__ = ["Entry", "Overlay", "ScopedParameters"]
