"""The page of a policy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plumbline.catalogue.texts import block, bullets, cell, code, plain, sections, table
from plumbline.evaluation import Evaluator
from plumbline.fixes import FixError
from plumbline.nulls import without_nulls
from plumbline.policies import Each, Policy, PolicyError, Related, Rule
from plumbline.renderings import render_yaml
from plumbline.standards import Standard
from plumbline.testing.cases import Case
from plumbline.testing.running import mended

_ELEMENTS = {
    "containers": "container, init and ephemeral containers too",
    "mainContainers": "container, without init and ephemeral ones",
    "volumes": "volume of the pod",
}


def policy_page(policy: Policy, cases: Sequence[Case], standards: Mapping[str, Standard]) -> str:
    """Everything that a person may ask about a policy, as Markdown."""
    head = (
        f"# {plain(policy.title)}\n\n"
        f"{code(policy.id)}, severity **{policy.severity}**, "
        f"category [{policy.category}](../README.md#{policy.category})"
    )
    if policy.severity_reason:
        head += f"\n\n{plain(policy.severity_reason)}"
    body = sections(
        (
            ("Why", plain(policy.why)),
            ("What to do", plain(policy.guidance)),
            ("The fix, on an example", _fix(policy, cases)),
            ("What it judges", _judged(policy)),
            ("Parameters", _parameters(policy)),
            ("Rules", _rules(policy)),
            ("Controls", _controls(policy, standards)),
            ("References", bullets(f"<{link}>" for link in policy.references)),
            ("Tests", table(("case", "verdict"), ((plain(case.name), case.expect) for case in cases)) if cases else ""),
        )
    )
    return f"{head}\n\n{body}\n"


def _fix(policy: Policy, cases: Sequence[Case]) -> str:
    if not any(rule.fix for rule in policy.rules):
        return ""
    for case in cases:
        diff = _diff(policy, case) if case.expect == "fail" else ""
        if diff:
            return f"{plain(case.name)}\n\n{block(diff, 'diff')}"
    return ""


def _diff(policy: Policy, case: Case) -> str:
    try:
        evaluator = Evaluator([policy], {policy.id: case.params} if case.params else {})
        after = mended(policy, evaluator, case)
    except (FixError, PolicyError):
        return ""
    before, fixed = (render_yaml(obj).splitlines() for obj in (without_nulls(case.object), after))
    return "\n".join(list(difflib.unified_diff(before, fixed, lineterm=""))[2:])


def _judged(policy: Policy) -> str:
    lines = [f"Kinds: {', '.join(map(_kind, policy.match.kinds))}."]
    if policy.match.excluded_namespaces:
        lines.append(f"Not in the namespaces {', '.join(map(code, policy.match.excluded_namespaces))}.")
    lines.extend(_relation(related) for related in policy.related)
    return "\n\n".join(lines)


def _kind(pattern: str) -> str:
    words = {"*": "all", "workloads": "workloads (everything that owns pods)"}
    return words.get(pattern) or code(pattern)


def _relation(related: Related) -> str:
    where = "anywhere in the set" if related.is_anywhere else "of the same namespace"
    text = f"Judged together with {code(related.name)}: {', '.join(map(_kind, related.kinds))} {where}"
    if related.selecting is not None:
        text += f" whose {code(related.selecting)} selects its pods"
    elif related.selected_by is not None:
        text += f" whose pods its {code(related.selected_by)} selects"
    elif related.key is not None and related.lookup is not None:
        text += f" where {code(related.key)} of the other is {code(related.lookup)} of this"
    text += "."
    return f"{text} Without them nothing is said." if related.is_required else text


def _parameters(policy: Policy) -> str:
    schema = policy.parameters_schema or {}
    rows = [
        (
            code(name),
            cell(plain(_type(property_schema))),
            cell(code(json.dumps(policy.parameter_defaults[name], ensure_ascii=False)))
            if name in policy.parameter_defaults
            else "",
            plain(property_schema.get("description", "")),
        )
        for name, property_schema in schema.get("properties", {}).items()
    ]
    return table(("name", "type", "default", "meaning"), rows) if rows else ""


def _type(schema: dict[str, Any]) -> str:
    """The type of a parameter and its bounds, in words."""
    if "enum" in schema:
        return f"one of {', '.join(str(value) for value in schema['enum'])}"
    kinds = schema.get("type", "any")
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if text == "array" and isinstance(schema.get("items"), dict):
        text = f"list of {_type(schema['items'])}"
    elif text == "object" and isinstance(schema.get("additionalProperties"), dict):
        text = f"map to {_type(schema['additionalProperties'])}"
    bounds = [
        f"{word} {schema[name]}" for name, word in (("minimum", "at least"), ("maximum", "at most")) if name in schema
    ]
    return f"{text}, {' and '.join(bounds)}" if bounds else text


def _rules(policy: Policy) -> str:
    parts = []
    if policy.variables:
        parts.append("These names stand for expressions:")
        parts.extend(f"{code(f'variables.{name}')}\n\n{block(source, 'cel')}" for name, source in policy.variables)
    for rule in policy.rules:
        parts.extend(_rule(rule))
    return "\n\n".join(parts)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {rule.name}"
    yield f"{_each(rule.each)} It passes when this is true:"
    yield block(rule.expression, "cel")
    where = code(rule.path) if rule.path else "the element itself" if rule.each else "the object itself"
    if rule.message is not None:
        yield f"Otherwise, at {where}: {plain(rule.message)}"
    elif rule.message_expression is not None:
        yield f"Otherwise, at {where}, with the message that this yields:"
        yield block(rule.message_expression, "cel")


def _each(each: Each | None) -> str:
    if each is None:
        return "Evaluated once."
    inside = _ELEMENTS[each.inside] if each.inside else ""
    if each.over is None:
        return f"Evaluated for each {inside}."
    where = f" of each {inside}" if inside else ""
    return f"Evaluated for each entry of {code(each.over)}{where}, as {code(each.variable or '')}."


def _controls(policy: Policy, standards: Mapping[str, Standard]) -> str:
    rows = []
    for name, standard in standards.items():
        titles = {control.id: control.title for control in standard.controls}
        for control in policy.controls.get(name, ()):
            link = f"[{plain(standard.title)}](../standards/{name}.md)"
            rows.append((cell(link), code(control), cell(plain(titles.get(control, "")))))
    return table(("standard", "control", "what it asks for"), rows) if rows else ""
