"""regopy, in a process of its own: it may crash, loop or eat memory without taking anything else with it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import weakref
from collections.abc import Sequence
from typing import Any, Final

from plumbline.engines.rego.builtins import KNOWN
from plumbline.engines.rego.desugaring import FACTS, desugar, names_whole_input, with_parameters_as_data
from plumbline.engines.rego.engines import QUERY_SECONDS, Answer, Input, Inventory, Patience, Query, undefined
from plumbline.engines.rego.errors import EngineError, RegoError
from plumbline.engines.rego.linking import Linked, texts, under, uses_inventory
from plumbline.engines.rego.safety import check_program, lacking
from plumbline.engines.rego.strings import decoded, encoded
from plumbline.engines.rego.worker_processes import WorkerProcess

_COMPILE_SECONDS: Final = 30.0
_REMEMBERED_INPUTS: Final = 256


class RegopyEngine:
    """Programs are rewritten into what regopy evaluates rightly, and refused when they use what it lacks."""

    def __init__(self, seconds: float = QUERY_SECONDS) -> None:
        if importlib.util.find_spec("regopy") is None:
            raise EngineError("regopy is not installed: install it, install opa or set OPA_URL")
        self._seconds = seconds
        self._worker: WorkerProcess | None = None
        self._count = 0
        self._dropped: list[int] = []

    @property
    def name(self) -> str:
        return f"regopy {importlib.metadata.version('regopy')}"

    def compile(self, linked: Linked, rule: str, parameters: Any) -> Query:
        """As `RegoEngine.compile`; also raises RegoError for what regopy lacks."""
        missing = lacking(linked, KNOWN)
        if missing:
            name, module, line = missing[0]
            raise RegoError(
                f"uses {name}, which the built-in engine lacks: set OPA_URL or install opa", module=module, line=line
            )
        check_program(linked, KNOWN)
        has_whole_input = names_whole_input(linked)
        query = _RegopyQuery(self, linked, rule, parameters, has_whole_input)
        if not query.needs_inventory:
            query.compile({})
        return query

    def close(self) -> None:
        """End the process; the next query would start another."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def number(self) -> int:
        """A new number for a program."""
        self._count += 1
        return self._count

    def worker(self) -> WorkerProcess:
        """The running process, started when there is none."""
        if self._worker is None or not self._worker.is_alive:
            self._worker = WorkerProcess()
            self._dropped.clear()
        elif self._dropped:
            self._worker.send({"drop": self._dropped})
            self._dropped.clear()
        return self._worker

    def drop(self, number: int) -> None:
        """The program of this number is not asked any more."""
        self._dropped.append(number)

    @property
    def process_id(self) -> int:
        return self.worker().process_id

    @property
    def seconds(self) -> float:
        return self._seconds


class _RegopyQuery:
    def __init__(self, engine: RegopyEngine, linked: Linked, rule: str, parameters: Any, whole: bool) -> None:
        self._engine, self._rule, self._parameters = engine, rule, parameters
        self.needs_inventory = uses_inventory(linked)
        self._whole = whole
        self._number = engine.number()
        moved = under(linked, ("plumbline",), (FACTS, "inventory"))
        desugared = desugar(moved if whole else with_parameters_as_data(moved))
        self._names = linked.names
        self._texts = texts(desugared)
        self._entry = "/".join((*moved.entry, rule))
        self._inventory: Inventory | None = None
        self._patience = Patience()
        weakref.finalize(self, engine.drop, self._number).atexit = False

    def answers(self, inputs: Sequence[Input], inventory: Inventory | None = None) -> list[Answer]:
        """As `Query.answers`. After a crash the process is started again and the rest evaluated."""
        if self.needs_inventory:
            self._inventory = inventory
        answers: list[Answer] = []
        while len(answers) < len(inputs):
            exhausted = self._patience.exhausted
            if exhausted is not None:
                return [*answers, *[exhausted] * (len(inputs) - len(answers))]
            try:
                self._ask(self._compiled(), inputs[len(answers) :], answers)
            except EngineError as error:
                answers.append(self._patience.note(error))
            except RegoError as error:
                return [*answers, *[EngineError(str(error))] * (len(inputs) - len(answers))]
        return answers

    def _compiled(self) -> WorkerProcess:
        worker = self._engine.worker()
        state = self._inventory.key if self._inventory else ""
        if worker.programs.get(self._number) != state:
            self.compile(self._inventory.value if self._inventory else {})
            worker = self._engine.worker()
            worker.programs[self._number] = state
        return worker

    def compile(self, inventory: dict[str, Any]) -> None:
        """Raises RegoError with the original's line where the engine tells one, and EngineError."""
        worker = self._engine.worker()
        worker.send(
            {
                "compile": self._number,
                "modules": [["facts", self._facts()], *([f"m{at}", text] for at, (text, _) in enumerate(self._texts))],
                "data": {f"{FACTS}_data": {"inventory": _encoded(inventory)}},
                "entry": self._entry,
            }
        )
        answer = worker.receive(_COMPILE_SECONDS)
        if "error" in answer:
            raise self._explained(str(answer["error"]))
        worker.programs[self._number] = ""

    def _facts(self) -> str:
        """What is not there must be undefined: of data it would be an error, of a rule's value it is not."""
        parameters = "{}" if self._whole else json.dumps(_encoded(self._parameters), ensure_ascii=False)
        return (
            f"package {FACTS}\nimport rego.v1\ninventory := data.{FACTS}_data.inventory\nparameters := {parameters}\n"
        )

    def _explained(self, text: str) -> RegoError:
        """The engine's complaint with the module and line that it is about."""
        for index, (_, origins) in enumerate(self._texts):
            mark = f"m{index}:"
            if mark in text:
                number = text.split(mark, 1)[1].split(":", 1)[0]
                line = origins[int(number)] if number.isdigit() and int(number) < len(origins) else 0
                reason = next((item.strip() for item in text.splitlines() if item.strip() not in ("", "Errors:")), "")
                return RegoError(f"does not compile: {reason}", module=self._names[index], line=line or None)
        return RegoError(f"does not compile: {text.strip()[:200]}", module=self._names[0])

    def _ask(self, worker: WorkerProcess, inputs: Sequence[Input], answers: list[Answer]) -> None:
        """Adds answers as they come. Raises EngineError when the process gives none for the next input."""
        new = worker.unknown(item.key for item in inputs) if not self._whole else [item.key for item in inputs]
        if len(worker.inputs) > _REMEMBERED_INPUTS:
            worker.send({"forget": True})
            worker.inputs.clear()
            new = [item.key for item in inputs]
        values = {item.key: self._value(item) for item in inputs if item.key in set(new)}
        keys = [self._key(item) for item in inputs]
        worker.send({"run": self._number, "keys": keys, "inputs": {self._renamed(key): values[key] for key in values}})
        worker.inputs.update(self._renamed(key) for key in values)
        for _ in inputs:
            answers.append(self._answer(worker.receive(self._engine.seconds)))

    def _key(self, item: Input) -> str:
        return self._renamed(item.key)

    def _renamed(self, key: str) -> str:
        return f"{self._number}/{key}" if self._whole else key

    def _value(self, item: Input) -> Any:
        return _encoded({**item.value, "parameters": self._parameters} if self._whole else item.value)

    def _answer(self, answer: dict[str, Any]) -> Answer:
        if "value" in answer:
            return decoded(answer["value"])
        if "undefined" in answer:
            return undefined(self._rule)
        return EngineError(f"the policy failed: {' '.join(str(answer.get('error')).split())[:300]}")


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return encoded(value)
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    if isinstance(value, dict):
        return {encoded(str(key)): _encoded(item) for key, item in value.items()}
    return value
