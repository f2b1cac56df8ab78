"""Policies from their folders, checked as they are loaded so that a broken one is named before it judges anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plumbline.manifests.parsing import parse_document, parse_proven
from plumbline.policies.checking import check_policy
from plumbline.policies.model import Each, FixStep, Match, Policy, PolicyError, Related, Rule, dotted
from plumbline.schemas import first_problem, validator

MAX_POLICY_BYTES = 1_048_576


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
        raise PolicyError(problem[1], file=file, field=dotted(problem[0]).lstrip(".") or None)
    policy = _policy(document["metadata"]["name"], document["spec"], file)
    try:
        check_policy(policy)
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
        related=tuple(_related(item) for item in spec.get("related", ())),
        file=file,
        is_proven=is_proven,
    )


def _related(spec: dict[str, Any]) -> Related:
    return Related(
        name=spec["name"],
        kinds=tuple(spec["kinds"]),
        is_anywhere=spec.get("in") == "cluster",
        selecting=spec.get("selecting"),
        selected_by=spec.get("selectedBy"),
        key=spec.get("key"),
        lookup=spec.get("lookup"),
        is_required=spec.get("missing") == "skip",
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
        is_sensitive=spec.get("sensitive", False),
        fix=tuple(steps),
    )
