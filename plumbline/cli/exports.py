"""`plumbline policy export`: policies for engines that enforce them."""

from __future__ import annotations

import argparse
import sys

from plumbline.cli.arguments import UsageError
from plumbline.cli.selection import own_policies, read_params
from plumbline.exports import InexpressibleError, export_policy
from plumbline.library import library_policies
from plumbline.policies import Policy, PolicyError
from plumbline.renderings import render_yaml
from plumbline.spelling import nearest


def run(options: argparse.Namespace) -> int:
    """Print the documents. 2 when a policy that was asked for by its id cannot be expressed."""
    if bool(options.ids) == options.all:
        raise UsageError("name policies to export, or give --all")
    own = {policy.id: policy for directory in options.policies for policy in own_policies(directory, None)}
    known = {**{policy.id: policy for policy in library_policies()}, **own}
    params = read_params(options.params, known) if options.params else {}
    refused = 0
    for policy in _chosen(options.ids, known):
        try:
            documents = export_policy(policy, options.format, params.get(policy.id), options.enforcement)
        except InexpressibleError as error:
            refused += 1
            print(f"plumbline: not exported: {error}", file=sys.stderr)
            continue
        except PolicyError as error:
            raise UsageError(str(error)) from error
        for document in documents:
            print(f"---\n{render_yaml(document)}", end="")
    return 2 if refused and options.ids else 0


def _chosen(ids: list[str], known: dict[str, Policy]) -> list[Policy]:
    for name in ids:
        if name not in known:
            raise UsageError(f"there is no policy {name}{nearest(name, known) or '; see `plumbline policy list`'}")
    return [known[name] for name in dict.fromkeys(ids)] if ids else list(known.values())
