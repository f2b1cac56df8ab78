"""Rego, the language of OPA: parsed, joined into programs, and evaluated by an engine that is never trusted."""
