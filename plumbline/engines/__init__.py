"""Adapters of expression engines: each turns a source into a program that judges a Kubernetes object."""
