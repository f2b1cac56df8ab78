"""ValidatingAdmissionPolicy, evaluated as the API server would evaluate the creation of the object."""

from plumbline.dialects.admission.policies import KINDS, UNSUPPORTED, read_policies

__all__ = ["KINDS", "UNSUPPORTED", "read_policies"]
