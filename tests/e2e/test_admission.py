"""Admission policies of every shape say here what the API server said of the same objects."""

from typing import Any

import pytest

from tests.e2e.record import answers
from tests.e2e.scenarios import Scenario, label, objects, ours, scenarios

ANSWERS: dict[str, dict[str, list[str]]] = answers("admission")
SCENARIOS = list(scenarios())
ACCEPTED = [item for item in SCENARIOS if not item.refused and not item.refused_here]


def named(found: list[Scenario]) -> Any:
    return pytest.mark.parametrize("scenario", found, ids=[item.name for item in found])


@named(ACCEPTED)
def test_a_policy_says_what_the_server_said(scenario: Scenario) -> None:
    said, recorded = ours(scenario), ANSWERS[scenario.name]
    different = {name for name in map(label, objects()) if said.get(name) != recorded.get(name)}

    assert {name: (said.get(name), recorded.get(name)) for name in different - scenario.differs.keys()} == {}
    assert different == scenario.differs.keys()


@named([item for item in SCENARIOS if item.refused])
def test_the_server_refused_the_policy_for_the_field(scenario: Scenario) -> None:
    assert scenario.refused is not None
    assert scenario.refused in ANSWERS[scenario.name]["refused"][0]


@named([item for item in SCENARIOS if (item.refused or item.refused_here) and not item.accepted_here])
def test_what_cannot_be_evaluated_is_refused_here_too(scenario: Scenario) -> None:
    with pytest.raises(AssertionError, match=scenario.refused_here or (scenario.refused or "").replace("[", r"\[")):
        ours(scenario)


def test_every_scenario_has_an_answer_and_says_something_of_something() -> None:
    assert ANSWERS.keys() == {item.name for item in SCENARIOS}
    assert sum(1 for said in ANSWERS.values() if said) > 90
