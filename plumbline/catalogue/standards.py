"""The page of a standard."""

from __future__ import annotations

from collections.abc import Mapping

from plumbline.catalogue.texts import bullets, cell, code, plain, sections, table
from plumbline.policies import Policy
from plumbline.standards import Control, Standard


def standard_page(standard: Standard, policies: Mapping[str, Policy]) -> str:
    """Its controls, with the policies that check them or the evidence that they want."""
    published = f", published {standard.published}" if standard.published else ""
    head = f"# {plain(standard.title)}\n\n{code(standard.name)}, version {plain(standard.version)}{published}"
    if standard.url:
        head += f", <{standard.url}>"
    texts = [plain(text) for text in (standard.description, standard.scope) if text]
    manual = [control for control in standard.controls if control.manual]
    rows = [_row(control, policies) for control in standard.controls]
    body = sections(
        (
            ("Coverage", f"{coverage(standard)}\n\nPassing these policies is not compliance with the standard."),
            ("Controls", table(("control", "what it asks for", "checked", "policies"), rows)),
            ("Evidence to keep by hand", bullets(f"{code(item.id)}: {plain(item.manual or '')}" for item in manual)),
        )
    )
    return "\n\n".join([head, *texts, body]) + "\n"


def coverage(standard: Standard) -> str:
    """How many of its controls policies check, in a sentence."""
    return (
        f"{len(standard.controls)} controls: {standard.count_of('automated')} automated, "
        f"{standard.count_of('in part')} in part, {standard.count_of('manual')} manual; "
        f"{len(standard.policies)} policies."
    )


def _row(control: Control, policies: Mapping[str, Policy]) -> tuple[str, str, str, str]:
    links = [
        f"[{name}](../policies/{name}.md)" if name in policies else code(name) for name in control.policies
    ]
    return cell(code(control.id)), plain(control.title), control.coverage, ", ".join(links)
