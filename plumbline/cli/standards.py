"""`plumbline standard`: what standards ask for, how much of it policies cover, and upkeep of the mapping."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import TYPE_CHECKING, Any

from plumbline.cli.arguments import UsageError
from plumbline.library import library_directory, library_policies, library_standards
from plumbline.policies import PolicyError, load_policies
from plumbline.spelling import nearest

if TYPE_CHECKING:
    from plumbline.standards import Control, Standard

NOT_A_CHECKOUT = "standard sync works in a checkout of Plumbline; this is an installed package"
_WIDTH = 100
_DESCRIPTION = "Standards, the policies that automate their controls, and the evidence that the others want."
_SYNC = """\
Rewrite the `policies` of standards/*.yaml after what policies/**/policy.yaml name in their `controls`. For
maintainers: it needs a checkout of Plumbline. Every other byte of the files stays as it is.
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The verbs list, show and sync."""
    group = commands.add_parser("standard", help="list, show or sync the library's standards", description=_DESCRIPTION)
    verbs = group.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="one a line, with the coverage of each")
    listing.set_defaults(run=list_standards)
    show = verbs.add_parser("show", help="control by control: its policies, or the evidence that it wants")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=show_standard)
    for verb in (listing, show):
        verb.add_argument("--format", choices=("text", "json"), default="text")
    sync = verbs.add_parser("sync", help="make standards/*.yaml follow policies' controls", description=_SYNC)
    sync.add_argument("--check", action="store_true", help="change nothing; exit 1 and name what differs")
    sync.set_defaults(run=sync_standards)


def list_standards(options: argparse.Namespace) -> int:
    """Name, version and coverage of every standard."""
    standards = _standards().values()
    if options.format == "json":
        print(json.dumps([_summary(standard) for standard in standards], ensure_ascii=False, indent=2))
        return 0
    names = max(len(standard.name) for standard in standards)
    versions = max(len(standard.version) for standard in standards)
    print(f"{'name':<{names}}  {'version':<{versions}}  controls  automated  in part  manual  policies")
    for standard in standards:
        counts = _summary(standard)["controls"]
        print(
            f"{standard.name:<{names}}  {standard.version:<{versions}}  {counts['total']:>8}  {counts['automated']:>9}"
            f"  {counts['in_part']:>7}  {counts['manual']:>6}  {len(standard.policies):>8}"
        )
    return 0


def show_standard(options: argparse.Namespace) -> int:
    """A standard's version, scope and coverage, then its controls."""
    standards = _standards()
    standard = standards.get(options.name)
    if standard is None:
        raise UsageError(f"there is no standard {options.name}{nearest(options.name, standards)}")
    severities: dict[str, str] = {policy.id: policy.severity for policy in library_policies()}
    if options.format == "json":
        document = _summary(standard)
        document["description"], document["scope"] = standard.description, standard.scope
        document["extends"] = standard.extends
        document["controls"]["items"] = [_control(control, severities) for control in standard.controls]
        print(json.dumps(document, ensure_ascii=False, indent=2))
        return 0
    _print_head(standard)
    width = max((len(policy) for policy in standard.policies), default=0)
    for control in standard.controls:
        print(f"\n{control.id}  {control.coverage}\n{_wrapped(control.title)}")
        for policy in control.policies:
            print(f"    {policy:<{width}}  {severities.get(policy, 'not in the library')}")
        if control.manual:
            print(_wrapped(f"Evidence: {control.manual}", indent="    "))
    return 0


def sync_standards(options: argparse.Namespace) -> int:
    """0 when the files agree or were rewritten, 1 when --check finds one that differs."""
    from plumbline.mappings import mapping_problems, policies_by_control, sync_file
    from plumbline.standards import load_standards

    root = library_directory()
    if root.name == "library_data":
        raise UsageError(NOT_A_CHECKOUT)
    try:
        policies = load_policies(root / "policies")
        standards = load_standards(root / "standards")
        problems = mapping_problems(policies, standards)
        if problems:
            raise UsageError("\nplumbline: ".join(map(str, problems)))
        different = [
            file
            for standard in standards
            if sync_file(
                file := root / "standards" / f"{standard.name}.yaml",
                policies_by_control(policies, standard.name),
                write=not options.check,
            )
        ]
    except PolicyError as error:
        raise UsageError(str(error)) from error
    for file in different:
        print(f"{file}: {'differs from what policies name' if options.check else 'rewritten'}")
    if not different:
        print(f"Standards ({len(standards)}) and policies ({len(policies)}) agree")
    return 1 if options.check and different else 0


def _standards() -> dict[str, Standard]:
    try:
        return {standard.name: standard for standard in library_standards()}
    except PolicyError as error:
        raise UsageError(str(error)) from error


def _summary(standard: Standard) -> dict[str, Any]:
    return {
        "name": standard.name,
        "title": standard.title,
        "version": standard.version,
        "published": standard.published,
        "url": standard.url,
        "policies": len(standard.policies),
        "controls": {
            "total": len(standard.controls),
            "automated": standard.count_of("automated"),
            "in_part": standard.count_of("in part"),
            "manual": standard.count_of("manual"),
        },
    }


def _control(control: Control, severities: dict[str, str]) -> dict[str, Any]:
    return {
        "id": control.id,
        "title": control.title,
        "coverage": control.coverage.replace(" ", "_"),
        "policies": [{"id": policy, "severity": severities.get(policy)} for policy in control.policies],
        "manual": control.manual,
    }


def _print_head(standard: Standard) -> None:
    published = f", published {standard.published}" if standard.published else ""
    print(f"{standard.title}, version {standard.version} ({standard.name}{published})")
    if standard.url:
        print(standard.url)
    for text in (standard.description, standard.scope):
        if text:
            print(f"\n{_wrapped(text)}")
    print(
        f"\n{len(standard.controls)} controls: {standard.count_of('automated')} automated,"
        f" {standard.count_of('in part')} automated in part, {standard.count_of('manual')} manual;"
        f" {len(standard.policies)} policies"
    )


def _wrapped(text: str, indent: str = "  ") -> str:
    return textwrap.fill(
        " ".join(text.split()), width=_WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
