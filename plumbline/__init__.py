"""The open core of Plumbline: policies, engines, manifests, fixes, formats, command line. No Django."""

__version__ = "0.1.0"
