"""Directories of policies for tests, and objects judged by them."""

from pathlib import Path
from typing import Any

import yaml

from plumbline.dialects.loading import read_directory
from plumbline.evaluation import Evaluator
from plumbline.resources import Resource
from plumbline.results import Result


def write(directory: Path, *documents: dict[str, Any], name: str = "policies.yaml") -> Path:
    """The documents as one file in the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(yaml.safe_dump_all(documents))
    return directory


def judged(directory: Path, obj: dict[str, Any], *others: dict[str, Any]) -> list[Result]:
    """Every result for the object by the directory's policies, judged together with others. There is no problem."""
    loaded = read_directory(directory)
    assert loaded.problems == []
    evaluator = Evaluator(loaded.policies)
    evaluator.survey(Resource(item) for item in (obj, *others))
    return evaluator.evaluate(Resource(obj))


def problems(directory: Path) -> list[str]:
    """What could not be used, as text."""
    return [problem.message for problem in read_directory(directory).problems]


def statuses(results: list[Result]) -> list[tuple[str, str]]:
    """Rule and status of each result."""
    return [(result.rule, result.status) for result in results]
