"""Kubernetes manifests: files, directories and streams of YAML or JSON, read with limits and with their
line numbers.

What a directory holds besides manifests is left alone: a document with neither `apiVersion` nor `kind`
(values.yaml, a workflow) is counted as ignored when its file was found by walking a directory, and is an
error when it was named. Hidden directories are not entered; linked ones are, once.
"""

from plumbline.manifests.files import LoadStatistics, load
from plumbline.manifests.parsing import LoadError

__all__ = ["LoadError", "LoadStatistics", "load"]
