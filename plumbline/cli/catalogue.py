"""`plumbline policy`: what the library holds."""

from __future__ import annotations

import argparse
import textwrap

from plumbline.cli.arguments import UsageError
from plumbline.library import library_policies
from plumbline.policies import Policy, PolicyError
from plumbline.spelling import nearest


def list_policy(options: argparse.Namespace) -> int:
    """Id, severity, category and title of every policy."""
    for policy in _policies():
        print(f"{policy.id:<28} {policy.severity:<9} {policy.category:<13} {policy.title}")
    return 0


def show_policy(options: argparse.Namespace) -> int:
    """Why the policy is there, what to do, what it takes."""
    policies = {policy.id: policy for policy in _policies()}
    policy = policies.get(options.name)
    if policy is None:
        raise UsageError(f"there is no policy {options.name}{nearest(options.name, policies)}")
    print(f"{policy.id}: {policy.title}\n{policy.severity}, {policy.category}\n")
    for heading, text in (("Why", policy.why), ("What to do", policy.guidance)):
        print(f"{heading}\n{_wrapped(text)}\n")
    print(f"Judges\n{_wrapped(', '.join(policy.match.kinds))}\n")
    if policy.parameters_schema is not None:
        names = policy.parameters_schema.get("properties", {})
        defaults = policy.parameter_defaults
        shown = (f"{name} (default: {defaults[name]})" if name in defaults else name for name in names)
        print(f"Parameters\n{_wrapped(', '.join(shown))}\n")
    print("Rules")
    for rule in policy.rules:
        print(f"  {rule.name}\n{textwrap.indent(rule.expression.strip(), '    ')}")
    for link in policy.references:
        print(f"See {link}")
    return 0


def _policies() -> tuple[Policy, ...]:
    try:
        return library_policies()
    except PolicyError as error:
        raise UsageError(str(error)) from error


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), width=100, initial_indent="  ", subsequent_indent="  ")
