"""Manifests as text, and where in that text a field stands."""

from typing import Any

import yaml

from plumbline.paths import parse


def manifest_text(manifest: dict[str, Any]) -> str:
    """A manifest as YAML in the order in which it was reported."""
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def line_of(text: str, path: str) -> int | None:
    """The line, from 1, of the field at `path` in YAML text, or of its nearest parent that is there.

    None when the path is empty, malformed or begins with something that is not there.
    """
    try:
        steps = parse(path)
    except ValueError:
        return None
    node, line = yaml.compose(text, Loader=_Loader), None
    for step in steps:
        found = _step(node, step)
        if found is None:
            break
        node, line = found
    return line


class _Dumper(yaml.SafeDumper):
    """Lists stand indented under their key, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _step(node: Any, step: str | int) -> tuple[Any, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        member = node.value[step]
        return member, member.start_mark.line + 1
    return None
