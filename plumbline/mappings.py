"""The mapping of policies to controls, which both sides write down: a policy's `controls` is the original, and
the `policies` of a standard's file follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from plumbline.policies import Policy, PolicyError
from plumbline.spelling import nearest
from plumbline.standards import Standard

MAX_LINE = 110


def mapping_problems(policies: Iterable[Policy], standards: Iterable[Standard]) -> list[PolicyError]:
    """What policies' `controls` name and no standard has, each with its file, field and the nearest names.

    A control that a standard inherits is the parent's: policies name it there.
    """
    ids = {standard.name: [control.id for control in standard.own] for standard in standards}
    found = []
    for policy in policies:
        for name, controls in policy.controls.items():
            field = f"spec.controls.{name}"
            if name not in ids:
                message = f"there is no standard {name}{nearest(name, ids)}"
                found.append(PolicyError(message, file=policy.file, field=field))
                continue
            for index, control in enumerate(controls):
                if control not in ids[name]:
                    message = f"{name} has no control {control}{nearest(control, ids[name])}"
                    found.append(PolicyError(message, file=policy.file, field=f"{field}[{index}]"))
    return found


def policies_by_control(policies: Iterable[Policy], standard: str) -> dict[str, list[str]]:
    """Control id → the ids of the policies that name it in `standard`, in alphabetical order."""
    found: dict[str, set[str]] = {}
    for policy in policies:
        for control in policy.controls.get(standard, ()):
            found.setdefault(control, set()).add(policy.id)
    return {control: sorted(ids) for control, ids in found.items()}


def rewritten(text: str, wanted: Mapping[str, Sequence[str]], *, file: str | None = None) -> str:
    """A standard's file with the `policies` of each control as `wanted` has them, and every other byte as it
    was. The text must be a valid standard. Raises PolicyError where it is not written so that this can be done.
    """
    edits: list[tuple[int, int, str]] = []
    for index, control in enumerate(_control_nodes(text)):
        pairs = {key.value: (key, value) for key, value in control.value}
        try:
            edit = _edit(text, control, pairs, list(wanted.get(pairs["id"][1].value, ())))
        except ValueError as error:
            raise PolicyError(str(error), file=file, field=f"spec.controls[{index}]") from error
        if edit is not None:
            edits.append(edit)
    for start, end, replacement in reversed(edits):
        text = text[:start] + replacement + text[end:]
    return text


def sync_file(file: Path, wanted: Mapping[str, Sequence[str]], *, write: bool) -> bool:
    """Whether the standard's file differs from `wanted`; it is rewritten when `write` is set."""
    text = file.read_bytes().decode()
    after = rewritten(text, wanted, file=str(file))
    if after == text:
        return False
    if write:
        file.write_bytes(after.encode())
    return True


Pairs = Mapping[str, tuple[yaml.ScalarNode, yaml.Node]]


def _control_nodes(text: str) -> list[yaml.MappingNode]:
    document = yaml.compose(text, Loader=yaml.CSafeLoader)
    assert isinstance(document, yaml.MappingNode)
    spec = next(value for key, value in document.value if key.value == "spec")
    controls: yaml.SequenceNode = next(value for key, value in spec.value if key.value == "controls")
    return list(controls.value)


def _edit(text: str, control: yaml.MappingNode, pairs: Pairs, wanted: list[str]) -> tuple[int, int, str] | None:
    """Where the control's text begins and ends that gives way, and to what; None when it is right already."""
    written = pairs.get("policies")
    if written is None:
        return _insertion(text, control, pairs, wanted) if wanted else None
    key, value = written
    assert isinstance(value, yaml.SequenceNode)
    if [item.value for item in value.value] == wanted:
        return None
    if not wanted:
        return _removal(text, control, pairs)
    end = value.end_mark.index if value.flow_style else value.value[-1].end_mark.index
    flow = bool(control.flow_style)
    return key.start_mark.index, end, _written(wanted, key.start_mark.column, on_one_line=flow)


def _insertion(text: str, control: yaml.MappingNode, pairs: Pairs, wanted: list[str]) -> tuple[int, int, str]:
    title = pairs["title"][1]
    if control.flow_style or title.start_mark.line != title.end_mark.line:
        raise ValueError("write the control as a block, its title on one line, so that policies can follow it")
    column = control.start_mark.column
    at = text.find("\n", title.end_mark.index)
    line = " " * column + _written(wanted, column)
    return (len(text), len(text), f"\n{line}") if at < 0 else (at + 1, at + 1, f"{line}\n")


def _removal(text: str, control: yaml.MappingNode, pairs: Pairs) -> tuple[int, int, str]:
    if "manual" not in pairs:
        raise ValueError("no policy names it any more; say in `manual` what evidence it wants, or remove it")
    key, value = pairs["policies"]
    if control.flow_style or key.start_mark.index == control.start_mark.index:
        raise ValueError("write the control as a block that begins with its id, so that policies can be removed")
    assert isinstance(value, yaml.SequenceNode)
    last = value.end_mark.index if value.flow_style else value.value[-1].end_mark.index
    end = text.find("\n", last)
    return text.rfind("\n", 0, key.start_mark.index) + 1, len(text) if end < 0 else end + 1, ""


def _written(policies: Sequence[str], column: int, *, on_one_line: bool = False) -> str:
    line = f"policies: [{', '.join(policies)}]"
    if on_one_line or column + len(line) <= MAX_LINE:
        return line
    return "\n".join(("policies:", *(f"{' ' * (column + 2)}- {policy}" for policy in policies)))
