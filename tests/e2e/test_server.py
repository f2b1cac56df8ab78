"""What was written down, asked of a real API server: collected only where KUBEBUILDER_ASSETS names one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plumbline.dialects.admission.reviews import creation_of
from plumbline.resources import Resource
from tests.e2e import defaulting, exports, scenarios
from tests.e2e.record import answers
from tests.e2e.servers import ASSETS, ApiServer, api_server


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("server"), Path(str(ASSETS))) as server:
        yield server


def test_the_server_still_says_the_same_of_admission_policies(api: ApiServer) -> None:
    recorded = answers("admission")
    said = scenarios.ask(api, list(scenarios.scenarios()))

    assert {name for name, found in said.items() if found.keys() != recorded[name].keys()} == set()
    assert {name: found for name, found in said.items() if "refused" not in found and found != recorded[name]} == {}


def test_the_server_completes_every_object_of_the_library_as_we_do(api: ApiServer) -> None:
    pairs = defaulting.ask(api, [*defaulting.varied(), *defaulting.of_the_library()])
    different = [
        given["metadata"]
        for given, made in pairs
        if defaulting.compared(creation_of(Resource(given), ()).object) != defaulting.compared(made)
    ]

    assert len(pairs) > 1_000
    assert len(different) <= 0.002 * len(pairs), json.dumps(different)  # unknown fields, which the server drops


@pytest.mark.timeout(1200)  # the server takes policies up once a second, and only a few fit into one answer
def test_the_whole_library_is_taken_without_a_warning_and_says_the_same(api: ApiServer) -> None:
    asked = {(case.policy.id, case.name): case for case in exports.cases()}
    said = {
        (policy, name): answer[1:]
        for policy, found in exports.ask(api, list(asked.values())).items()
        for name, answer in found.items()
    }

    assert len(said) > 1_500
    different = {key: answer for key, answer in said.items() if list(exports.ours(asked[key])) != answer}
    assert {key: answer for key, answer in different.items() if key not in exports.DIFFERS} == {}
