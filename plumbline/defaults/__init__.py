"""Objects as the API server's policies see them: with the defaults of Kubernetes' own kinds, without what is empty."""

from plumbline.defaults.objects import defaulted

__all__ = ["defaulted"]
