"""Whether a policy holds together: its expressions compile, its paths parse, its names are its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plumbline import paths
from plumbline.engines import expressions
from plumbline.engines.cel import VOCABULARY, CompileError, compile_expression
from plumbline.policies.model import Policy, PolicyError, Rule, dotted
from plumbline.policies.vocabulary import RESERVED, check_patterns
from plumbline.schemas import compiled, first_problem


def check_policy(policy: Policy) -> None:
    """Raises PolicyError with the field, and the column where an expression does not compile."""
    _check_parameters(policy)
    _check_related(policy)
    names = [name for name, _ in policy.variables]
    for index, (name, source) in enumerate(policy.variables):
        where = f"spec.variables[{index}]"
        _check_name(name, f"{where}.name")
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
    # What has no default is given by those who use the policy, and checked then.
    partial = {name: value for name, value in policy.parameters_schema.items() if name != "required"}
    problem = first_problem(compiled(partial), policy.parameter_defaults)
    if problem is not None:
        raise PolicyError(problem[1], field=f"spec.parameters.defaults{dotted(problem[0])}")


def _check_related(policy: Policy) -> None:
    known = [item.name for item in policy.related]
    for index, item in enumerate(policy.related):
        where = f"spec.related[{index}]"
        _check_name(item.name, f"{where}.name")
        if known.index(item.name) != index:
            raise PolicyError(f"the name {item.name} is used twice", field=f"{where}.name")
        for name, source in (("key", item.key), ("lookup", item.lookup)):
            if source is not None:
                _check_expression(source, (), [], f"{where}.{name}")
        for name, path in (("selecting", item.selecting), ("selectedBy", item.selected_by)):
            if path is not None:
                _check_path(path, f"{where}.{name}")
    for source in _sources(policy):
        for name in expressions.related_of(source):
            if name not in known:
                raise PolicyError(f"related.{name} is not declared", field="spec.related")


def _sources(policy: Policy) -> Iterator[str]:
    yield from (source for _, source in policy.variables)
    for rule in policy.rules:
        yield rule.expression
        if rule.message_expression is not None:
            yield rule.message_expression
        yield from (step.value_expression for step in rule.fix if step.value_expression is not None)


def _check_rule(rule: Rule, variables: list[str], where: str) -> None:
    names = rule.each.names if rule.each else ()
    if names:
        _check_name(names[-1], f"{where}.each.as")
    if len(set(names)) != len(names) or set(names) & set(VOCABULARY):
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
        check_patterns(source)
    except CompileError as error:
        column = error.column
        message = error.message if error.line in (None, 1) else f"line {error.line}: {error.message}"
        raise PolicyError(message, field=where, column=column) from error


def _check_name(name: str, where: str) -> None:
    if name in RESERVED:
        raise PolicyError(f"{name} is a reserved word of CEL: choose another name", field=where)


def _check_path(text: str, where: str) -> None:
    try:
        paths.parse(text)
    except ValueError as error:
        raise PolicyError(str(error), field=where) from error
