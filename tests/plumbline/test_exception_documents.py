"""Files of exceptions: what they say, and what is wrong with them, named by field and line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plumbline.exceptions.loading import expiry, load_exceptions
from tests.plumbline.declared import by_id, document, exception_document, write
from tests.plumbline.objects import policy

NO_ROOT = policy()


def loaded(tmp_path: Path, *documents: dict[str, Any]) -> Any:
    return load_exceptions([write(tmp_path / "exceptions.yaml", *documents)], by_id(NO_ROOT))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-03-31", datetime(2027, 4, 1, tzinfo=UTC)),
        ("2027-03-31T12:00:00Z", datetime(2027, 3, 31, 12, tzinfo=UTC)),
        ("2027-03-31t12:00:00.5z", datetime(2027, 3, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2027-03-31T12:00:00+02:00", datetime(2027, 3, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_day_lasts_until_its_end(text: str, instant: datetime) -> None:
    assert expiry(text) == instant


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"reason": None}, "spec", '"reason" is a required property'),
        ({"reason": "  "}, "spec.reason", "does not match"),
        ({"owner": None}, "spec", '"owner" is a required property'),
        ({"expiresAt": None}, "spec", '"expiresAt" is a required property'),
        ({"match": None}, "spec", '"match" is a required property'),
        ({"match": {}}, "spec.match", "has less than 1 property"),
        ({"expiresAt": "tomorrow"}, "spec.expiresAt", "is no date (2027-03-31)"),
        ({"expiresAt": "2027-02-30"}, "spec.expiresAt", "is no date"),
        ({"expiresAt": "2027-02-20T12:00:00"}, "spec.expiresAt", "is no date"),
        ({"expiresAt": "9999-12-31"}, "spec.expiresAt", "is no date"),
        ({"expiresAt": 2027}, "spec.expiresAt", "string"),
        ({"policies": ["no-rooot"]}, "spec.policies[0]", "there is no policy no-rooot; did you mean no-root?"),
        ({"policies": ["nothing-*"]}, "spec.policies[0]", "there is no policy nothing-*"),
        ({"policies": []}, "spec.policies", "[]"),
        ({"rules": ["privilegd"]}, "spec.rules[0]", "no rule privilegd; did you mean privileged?"),
        ({"match": {"namespaces": ["a"], "color": "red"}}, "spec.match", "'color' was unexpected"),
        ({"match": {"namespaces": ["[a]"]}}, "spec.match.namespaces[0]", "does not match"),
        ({"match": {"kinds": ["Deployment"]}}, "spec.match", "kinds and names bound nothing"),
        ({"match": {"clusters": ["*"], "names": ["web"]}}, "spec.match.names", "could be taken by anybody"),
        ({"match": {"namespaces": ["*"], "names": ["web"]}}, "spec.match.names", "could be taken by anybody"),
        ({"match": {"namespaceSelector": {}}}, "spec.match.namespaceSelector", "has less than 1 property"),
        (
            {"match": {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}},
            "spec.match.namespaceSelector.matchExpressions[0].operator",
            "Like",
        ),
        (
            {"match": {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}},
            "spec.match.namespaceSelector.matchExpressions[0]",
            "values",
        ),
        ({"approved": True}, "spec", "'approved' was unexpected"),
    ],
)
def test_what_is_wrong_is_named_by_field(tmp_path: Path, change: dict[str, Any], field: str, words: str) -> None:
    found, (problem,) = loaded(tmp_path, exception_document(**change))
    assert found == []
    assert problem.message.startswith(f"PolicyException checkout-debugging: {field}: ")
    assert words in problem.message


def test_a_problem_has_the_line_of_its_field(tmp_path: Path) -> None:
    _, (problem,) = loaded(tmp_path, exception_document("first"), exception_document("second", expiresAt="soon"))
    lines = Path(problem.file).read_text().splitlines()
    assert lines[problem.line - 1] == "  expiresAt: soon"


def test_a_name_is_taken_once_and_the_first_keeps_it(tmp_path: Path) -> None:
    found, (problem,) = loaded(tmp_path, exception_document(), exception_document(reason="other"))
    assert [exception.reason for exception in found] == ["Debugging the checkout"]
    assert "metadata.name: the name checkout-debugging is already taken by" in problem.message
    assert problem.message.endswith("exceptions.yaml:1")


def test_one_broken_exception_does_not_hide_the_others(tmp_path: Path) -> None:
    found, problems = loaded(tmp_path, exception_document("broken", owner=None), exception_document("sound"))
    assert [exception.name for exception in found] == ["sound"]
    assert len(problems) == 1


@pytest.mark.parametrize("spec", [None, [], "text", {"match": []}])
def test_a_spec_of_another_type_is_named(tmp_path: Path, spec: Any) -> None:
    found, problems = loaded(tmp_path, document("PolicyException", "odd", spec))
    assert found == []
    assert len(problems) == 1


def test_what_is_no_exception_is_named(tmp_path: Path) -> None:
    _, (problem,) = loaded(tmp_path, document("PolicyExeption", "typo", {}))
    assert "is PolicyExeption of plumbline.dev/v1, not PolicyException" in problem.message
