"""Writes down what the real API server says, for machines without one:

KUBEBUILDER_ASSETS=DIR python -m tests.e2e.record [admission|defaults|exports]...
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e import defaulting, exports, scenarios
from tests.e2e.servers import ASSETS, ApiServer, api_server

DATA = Path(__file__).with_name("data")
_SAMPLED = 9  # of the library's objects, every so manyth is written down


def admission(api: ApiServer) -> Any:
    """By scenario, what is said of each object; the field that is refused where the policy is."""
    return scenarios.ask(api, list(scenarios.scenarios()))


def defaults(api: ApiServer) -> Any:
    """Pairs of a manifest and the object that the server makes of it."""
    objects = [*defaulting.varied(), *list(defaulting.of_the_library())[::_SAMPLED]]
    return [[given, defaulting.compared(made)] for given, made in defaulting.ask(api, objects)]


def library(api: ApiServer) -> Any:
    """By policy and test case: the question's digest, the verdict and the messages."""
    return exports.ask(api, list(exports.cases()))


RECORDS = {"admission": admission, "defaults": defaults, "exports": library}


def answers(name: str) -> Any:
    """What was written down."""
    return json.loads((DATA / f"answers-{name}.json").read_text("utf-8"))["answers"]


def main(names: list[str]) -> None:
    assert ASSETS, "KUBEBUILDER_ASSETS must name a folder with etcd and kube-apiserver"
    for name in names or RECORDS:
        with tempfile.TemporaryDirectory() as directory, api_server(Path(directory), Path(ASSETS)) as api:
            found, server = RECORDS[name](api), api.version
        lines = ",\n".join(_lines(found))
        opened, closed = "{}" if isinstance(found, dict) else "[]"
        text = f'{{"server": {json.dumps(server)}, "answers": {opened}\n{lines}\n{closed}}}\n'
        (DATA / f"answers-{name}.json").write_text(text, "utf-8")
        print(f"{name}: {len(found)} answers of {server}")


def _lines(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in found.items()]
    return [json.dumps(item, ensure_ascii=False) for item in found]


if __name__ == "__main__":
    main(sys.argv[1:])
