"""The library's own verdicts are those that the API server gave for the library exported to it."""

from typing import Any

import pytest

from tests.e2e.exports import DIFFERS, Case, cases, ours
from tests.e2e.record import answers

ANSWERS: dict[str, dict[str, list[Any]]] = answers("exports")
RECORDED = sum(map(len, ANSWERS.values()))


def answered() -> dict[str, list[tuple[Case, list[Any]]]]:
    """Cases by policy, with the server's answer to just this question: what has changed since is not compared."""
    found: dict[str, list[tuple[Case, list[Any]]]] = {}
    for case in cases():
        digest, *said = ANSWERS.get(case.policy.id, {}).get(case.name, [None])
        if digest == case.digest:
            found.setdefault(case.policy.id, []).append((case, said))
    return found


ANSWERED = answered()


@pytest.mark.parametrize("policy", sorted(ANSWERED))
def test_a_policy_says_what_the_server_said_of_its_export(policy: str) -> None:
    said = {case.name: (list(ours(case)), recorded) for case, recorded in ANSWERED[policy]}
    different = {name: found for name, found in said.items() if found[0] != found[1]}

    assert {name: found for name, found in different.items() if (policy, name) not in DIFFERS} == {}


def test_what_is_said_to_differ_does() -> None:
    known = {(policy, case.name): list(ours(case)) != said for policy in ANSWERED for case, said in ANSWERED[policy]}

    assert all(known.get(key, True) for key in DIFFERS)


def test_most_of_what_was_written_down_still_answers_what_is_asked() -> None:
    """Else the answers are to be written down anew: see tests/e2e/record.py."""
    assert sum(map(len, ANSWERED.values())) > 0.6 * RECORDED
    assert RECORDED > 1_500
