"""The process in which regopy evaluates: run by its path, with the file descriptor for answers as its argument.

Nothing of Plumbline is imported. It reads one JSON command a line from standard input, writes one JSON answer a line:

- `{"compile": id, "modules": [[name, text]], "data": {...}, "entry": "a/b"}` is answered once;
- `{"run": id, "keys": [...], "inputs": {key: value}}` once for each key, inputs being remembered by key;
- `{"forget": true}`, for all inputs, and `{"drop": [id]}`, for programs, have no answer.

Answers are `{"value": ...}`, `{"error": text}` or, when a rule has no value, `{"undefined": true}`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

import regopy  # type: ignore[import-untyped]
from regopy import rego_shared

_MEMORY_BYTES = 1 << 29
_MEMORY_EXIT_CODE = 86
_MAX_ANSWER = 8 << 20


class _Worker:
    def __init__(self) -> None:
        self._bundles: dict[int, tuple[Any, str, Any]] = {}
        self._inputs: dict[str, Any] = {}
        self._runner = regopy.Interpreter()
        self._runner.log_level = regopy.LogLevel.NONE

    def answers(self, command: dict[str, Any]) -> Any:
        if "compile" in command:
            yield self._compile(command)
        elif "run" in command:
            for key, value in command["inputs"].items():
                self._inputs[key] = _input(value)
            for key in command["keys"]:
                yield self._run(command["run"], key)
        elif "drop" in command:
            for number in command["drop"]:
                self._bundles.pop(number, None)
        else:
            self._inputs.clear()

    def _compile(self, command: dict[str, Any]) -> dict[str, Any]:
        interpreter = regopy.Interpreter()
        interpreter.log_level = regopy.LogLevel.NONE
        try:
            for name, text in command["modules"]:
                interpreter.add_module(name, text)
            interpreter.add_data_json(json.dumps(command["data"], ensure_ascii=False))
            bundle = interpreter.build(None, [command["entry"]])
        except Exception as error:
            return {"error": str(error)}
        if not bundle.ok():
            return {"error": "the engine could not compile it"}
        self._bundles[command["compile"]] = (bundle, command["entry"], interpreter)
        return {"value": True}

    def _run(self, program: int, key: str) -> dict[str, Any]:
        bundle, entry, _ = self._bundles[program]
        try:
            self._runner.set_input(self._inputs[key])
            output = rego_shared.rego_bundle_query_entrypoint(self._runner._impl, bundle._impl, entry)
        except Exception as error:
            return {"error": str(error)}
        try:
            text = rego_shared.rego_output_string(output)
            is_good = rego_shared.rego_output_ok(output)
        finally:
            rego_shared.rego_free_output(output)
        return _answer(text, is_good)


def _answer(text: str, is_good: bool) -> dict[str, Any]:
    if len(text) > _MAX_ANSWER:
        return {"error": f"its answer is larger than {_MAX_ANSWER >> 20} MB"}
    if not is_good:
        return {"error": text}
    if text == "undefined":
        return {"undefined": True}
    try:
        expressions = json.loads(text).get("expressions") or []
    except (ValueError, AttributeError):
        return {"error": f"the engine's answer is no JSON: {text[:200]}"}
    return {"value": expressions[0]} if expressions else {"undefined": True}


def _input(value: Any) -> Any:
    made = regopy.Input.__new__(regopy.Input)
    made._impl = rego_shared.rego.regoNewInput()
    _add(made._impl, value)
    return made


def _add(impl: Any, value: Any) -> None:
    library = rego_shared.rego
    if isinstance(value, str):
        library.regoInputString(impl, value.encode())
    elif value is None:
        library.regoInputNull(impl)
    elif isinstance(value, bool):
        library.regoInputBoolean(impl, value)
    elif isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        library.regoInputInt(impl, value)
    elif isinstance(value, int | float):
        library.regoInputFloat(impl, float(value))
    elif isinstance(value, dict):
        for key, item in value.items():
            library.regoInputString(impl, key.encode())
            _add(impl, item)
            library.regoInputObjectItem(impl)
        library.regoInputObject(impl, len(value))
    else:
        for item in value:
            _add(impl, item)
        library.regoInputArray(impl, len(value))


def _watch_memory() -> None:
    """End the process when it has grown too large. A limit of the system would not do: the engine reserves far more
    address space than it uses, and does not start under one.
    """
    while _resident_bytes() < _MEMORY_BYTES:
        time.sleep(0.05)
    os._exit(_MEMORY_EXIT_CODE)


def _resident_bytes() -> int:
    """What the process holds now. Its peak would not do on Linux, where that begins with what its parent held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Answer commands until standard input ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_watch_memory, daemon=True).start()
    worker = _Worker()
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as out:
        for line in sys.stdin.buffer:
            for answer in worker.answers(json.loads(line)):
                out.write(f"{json.dumps(answer)}\n")
                out.flush()


if __name__ == "__main__":
    main()
