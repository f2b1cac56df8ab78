"""Where in a manifest's text a field stands."""

from typing import Any

import yaml

from compliance.selectors.manifests import in_order
from plumbline.fixes import render_yaml
from plumbline.paths import parse

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def manifest_text(manifest: dict[str, Any]) -> str:
    """A manifest as YAML, as diffs show it."""
    return render_yaml(in_order(manifest))


def line_of(text: str, path: str) -> int | None:
    """The line, from 1, of the field at `path` in YAML text, or of its nearest parent that is there.

    None when the path is empty, malformed or begins with something that is not there.
    """
    return lines_of(text, [path])[0]


def lines_of(text: str, paths: list[str]) -> list[int | None]:
    """The same for several paths, reading the text once."""
    root = yaml.compose(text, Loader=_Loader)
    return [_line(root, path) for path in paths]


def _line(node: Any, path: str) -> int | None:
    try:
        steps = parse(path)
    except ValueError:
        return None
    line = None
    for step in steps:
        found = _step(node, step)
        if found is None:
            break
        node, line = found
    return line


def _step(node: Any, step: str | int) -> tuple[Any, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        member = node.value[step]
        return member, member.start_mark.line + 1
    return None
