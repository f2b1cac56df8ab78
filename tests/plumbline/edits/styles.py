"""Manifests as different people write them, with a comment on every line that can carry one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True)
class Style:
    """`step` columns a level, lists below their key or in its column, and the line end."""

    step: int
    has_indented_lists: bool
    newline: str = "\n"
    ends_with_newline: bool = True
    lead: str = ""

    def write(self, obj: Any) -> str:
        """The object as YAML. Each line ends with a comment of its own; every third has one above it, too."""
        lines: list[str] = []
        for number, line in enumerate(_dump(obj, self).splitlines()):
            margin = line[: len(line) - len(line.lstrip(" -"))].replace("-", " ")
            lines += [f"{margin}# above {number}"] * (number % 3 == 0)
            lines.append(f"{line}{' ' * (number % 2 + 1)}# beside {number}")
        text = self.lead + self.newline.join(lines) + self.newline * self.ends_with_newline
        assert yaml.load(text, Loader=yaml.CSafeLoader) == obj
        return text


STYLES = {
    "two columns": Style(2, has_indented_lists=False),
    "four columns, CRLF": Style(
        4, has_indented_lists=True, newline="\r\n", ends_with_newline=False, lead="# head\r\n---\r\n"
    ),
}


def write_json(obj: Any) -> str:
    """As `kubectl get -o json` prints it."""
    return json.dumps(obj, indent=4, ensure_ascii=False) + "\n"


class _Indented(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Indentless(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _one_line(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Indented.add_representer(str, _one_line)
_Indentless.add_representer(str, _one_line)


def _dump(obj: Any, style: Style) -> str:
    dumper = _Indented if style.has_indented_lists else _Indentless
    return str(yaml.dump(obj, Dumper=dumper, indent=style.step, sort_keys=False, width=2**20, allow_unicode=True))
