"""Policies: folders of `policy.yaml`, checked as they are loaded so that a broken one is named before it
judges anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from plumbline import paths
from plumbline.engines import expressions
from plumbline.engines.cel import CompileError, compile_expression
from plumbline.manifests.parsing import parse_document, parse_proven
from plumbline.resources import pod_spec_path
from plumbline.results import Severity
from plumbline.schemas import compiled, first_problem, validator

Elements = Literal["containers", "mainContainers", "volumes"]
ELEMENT_NAMES: dict[str, str] = {
    "containers": "container",
    "mainContainers": "container",
    "volumes": "volume",
}
MAX_POLICY_BYTES = 1_048_576


class PolicyError(ValueError):
    """A policy that cannot be used; `str()` names the file, the field, the column and what is wrong."""

    def __init__(
        self, message: str, *, file: str | None = None, field: str | None = None, column: int | None = None
    ) -> None:
        where = [part for part in (file, field, f"column {column}" if column else None) if part]
        super().__init__(": ".join((*where, message)))
        self.message, self.file, self.field, self.column = message, file, field, column


@dataclass(frozen=True, slots=True)
class Each:
    """What a rule is evaluated for: `inside` names containers or volumes, `over` a list in each of them or
    in the object.
    """

    inside: Elements | None = None
    over: str | None = None
    variable: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names bound in the rule's expressions, the innermost last."""
        outer = (ELEMENT_NAMES[self.inside],) if self.inside else ()
        return (*outer, self.variable) if self.variable else outer


@dataclass(frozen=True, slots=True)
class FixStep:
    """One operation of a fix: `set` a value (or what an expression yields) or `remove` what is at `path`."""

    op: Literal["set", "remove"]
    path: str
    value: Any = None
    value_expression: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    expression: str
    path: str
    each: Each | None = None
    message: str | None = None
    message_expression: str | None = None
    fix: tuple[FixStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Which objects a policy judges."""

    kinds: tuple[str, ...]
    excluded_namespaces: tuple[str, ...] = ()

    def covers(self, group: str, kind: str, namespace: str = "") -> bool:
        """Whether the policy judges objects of this kind in this namespace (excluded names may hold `*`)."""
        if namespace and any(fnmatchcase(namespace, pattern) for pattern in self.excluded_namespaces):
            return False
        return any(_matches_kind(pattern, group, kind) for pattern in self.kinds)


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    id: str
    title: str
    category: str
    severity: Severity
    why: str
    guidance: str
    match: Match
    rules: tuple[Rule, ...]
    severity_reason: str = ""
    references: tuple[str, ...] = ()
    controls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parameters_schema: dict[str, Any] | None = None
    parameter_defaults: dict[str, Any] = field(default_factory=dict)
    variables: tuple[tuple[str, str], ...] = ()
    file: str | None = None
    is_proven: bool = False

    def parameters(self, given: dict[str, Any] | None) -> dict[str, Any]:
        """The defaults with `given` laid over them. PolicyError names the parameter that does not fit the
        schema.
        """
        if self.parameters_schema is None:
            if given:
                raise PolicyError("takes no parameters", field=self.id)
            return {}
        merged = {**self.parameter_defaults, **(given or {})}
        if not given and self.is_proven:
            return merged
        problem = first_problem(compiled(self.parameters_schema), merged)
        if problem is not None:
            path, message = problem
            raise PolicyError(message, field=".".join(("parameters of", self.id)).replace("of.", "of ") + _dotted(path))
        return merged


def load_policies(directory: Path | str, *, is_proven: bool = False) -> list[Policy]:
    """Every `policy.yaml` below `directory`, ordered by id. Raises PolicyError for a broken one, a twin, or
    no folder.
    """
    root = Path(directory)
    if not root.is_dir():
        raise PolicyError("is not a directory", file=str(root))
    loaded: dict[str, Policy] = {}
    for file in sorted(root.rglob("policy.yaml")):
        policy = load_policy(file, is_proven=is_proven)
        twin = loaded.setdefault(policy.id, policy)
        if twin is not policy:
            raise PolicyError(f"the id {policy.id} is already taken by {twin.file}", file=str(file))
    return [loaded[name] for name in sorted(loaded)]


def load_policy(file: Path, *, is_proven: bool = False) -> Policy:
    """One policy; `is_proven` skips what the library's own tests have proved. Raises PolicyError."""
    try:
        raw = file.read_bytes()
        if len(raw) > MAX_POLICY_BYTES:
            raise PolicyError(f"is larger than {MAX_POLICY_BYTES} bytes", file=str(file))
        document = (parse_proven if is_proven else parse_document)(raw.decode())
    except OSError as error:
        raise PolicyError(error.strerror or str(error), file=str(file)) from error
    except ValueError as error:
        if isinstance(error, PolicyError):
            raise
        raise PolicyError(" ".join(str(error).split()), file=str(file)) from error
    if is_proven:
        return _policy(document["metadata"]["name"], document["spec"], str(file), is_proven=True)
    return parse_policy(document, file=str(file))


def parse_policy(document: Any, *, file: str | None = None) -> Policy:
    """A policy from its parsed YAML. Raises PolicyError, with the field."""
    problem = first_problem(validator("policy-v1"), document)
    if problem is not None:
        raise PolicyError(problem[1], file=file, field=_dotted(problem[0]).lstrip(".") or None)
    policy = _policy(document["metadata"]["name"], document["spec"], file)
    try:
        _check(policy)
    except PolicyError as error:
        raise PolicyError(error.message, file=file, field=error.field, column=error.column) from error
    return policy


def _policy(name: str, spec: dict[str, Any], file: str | None, *, is_proven: bool = False) -> Policy:
    parameters = spec.get("parameters", {})
    namespaces = spec["match"].get("namespaces", {})
    return Policy(
        id=name,
        title=spec["title"],
        category=spec["category"],
        severity=spec["severity"],
        why=spec["why"].strip(),
        guidance=spec["guidance"].strip(),
        match=Match(tuple(spec["match"]["kinds"]), tuple(namespaces.get("exclude", ()))),
        rules=tuple(_rule(rule) for rule in spec["rules"]),
        severity_reason=spec.get("severityReason", "").strip(),
        references=tuple(spec.get("references", ())),
        controls={standard: tuple(ids) for standard, ids in spec.get("controls", {}).items()},
        parameters_schema=parameters.get("schema"),
        parameter_defaults=parameters.get("defaults", {}),
        variables=tuple((item["name"], item["expression"]) for item in spec.get("variables", ())),
        file=file,
        is_proven=is_proven,
    )


def _rule(spec: dict[str, Any]) -> Rule:
    each = spec.get("each")
    if isinstance(each, str):
        each = Each(inside=each)  # type: ignore[arg-type]
    elif each is not None:
        each = Each(inside=each.get("in"), over=each["over"], variable=each["as"])
    steps = (
        FixStep(step["op"], step["path"], step.get("value"), step.get("valueExpression"))
        for step in spec.get("fix", ())
    )
    return Rule(
        name=spec["name"],
        expression=spec["expression"],
        path=spec["path"],
        each=each,
        message=spec.get("message"),
        message_expression=spec.get("messageExpression"),
        fix=tuple(steps),
    )


def _check(policy: Policy) -> None:
    _check_parameters(policy)
    names = [name for name, _ in policy.variables]
    for index, (name, source) in enumerate(policy.variables):
        where = f"spec.variables[{index}]"
        if name in expressions.COMPOSED or names.index(name) != index:
            raise PolicyError(f"the variable {name} is already defined", field=f"{where}.name")
        every_name = sorted({bound for rule in policy.rules if rule.each for bound in rule.each.names})
        _check_expression(source, every_name, names[:index], f"{where}.expression")
    rule_names = [rule.name for rule in policy.rules]
    for index, rule in enumerate(policy.rules):
        where = f"spec.rules[{index}]"
        if rule_names.index(rule.name) != index:
            raise PolicyError(f"the rule name {rule.name} is used twice", field=f"{where}.name")
        _check_rule(rule, names, where)


def _check_parameters(policy: Policy) -> None:
    if policy.parameters_schema is None:
        return
    try:
        compiled(policy.parameters_schema)
    except ValueError as error:
        message = str(error).splitlines()[0]
        raise PolicyError(f"is not a JSON schema: {message}", field="spec.parameters.schema") from error
    unknown = set(policy.parameter_defaults) - set(policy.parameters_schema.get("properties", {}))
    if unknown:
        raise PolicyError(f"{min(unknown)} is not in the schema", field="spec.parameters.defaults")


def _check_rule(rule: Rule, variables: list[str], where: str) -> None:
    names = rule.each.names if rule.each else ()
    if len(set(names)) != len(names) or set(names) & {
        "object",
        "params",
        "variables",
        "namespaceObject",
        "request",
    }:
        raise PolicyError(f"the name {names[-1]} is already taken", field=f"{where}.each.as")
    _check_expression(rule.expression, names, variables, f"{where}.expression", boolean=True)
    if rule.message_expression is not None:
        _check_expression(rule.message_expression, names, variables, f"{where}.messageExpression")
    _check_path(rule.path, f"{where}.path")
    if rule.each and rule.each.over:
        _check_path(rule.each.over, f"{where}.each.over")
    for index, step in enumerate(rule.fix):
        _check_path(step.path, f"{where}.fix[{index}].path")
        if step.value_expression is not None:
            _check_expression(step.value_expression, names, variables, f"{where}.fix[{index}].valueExpression")


def _check_expression(
    source: str, names: Iterable[str], variables: list[str], where: str, *, boolean: bool = False
) -> None:
    try:
        expressions.check_variables(source, variables)
        compile_expression(source, names, boolean=boolean)
    except CompileError as error:
        column = error.column
        message = error.message if error.line in (None, 1) else f"line {error.line}: {error.message}"
        raise PolicyError(message, field=where, column=column) from error


def _check_path(text: str, where: str) -> None:
    try:
        paths.parse(text)
    except ValueError as error:
        raise PolicyError(str(error), field=where) from error


def _matches_kind(pattern: str, group: str, kind: str) -> bool:
    if pattern == "*":
        return True
    if pattern == "workloads":
        return pod_spec_path(kind, group) is not None
    wanted, slash, name = pattern.rpartition("/")
    return name == kind and (not slash or wanted == group)


def _dotted(path: list[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
