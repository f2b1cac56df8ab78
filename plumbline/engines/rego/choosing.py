"""Which engine evaluates Rego here: OPA at OPA_URL, an `opa` of one's own, else regopy."""

from __future__ import annotations

import atexit
import os

from plumbline.engines.rego.engines import RegoEngine
from plumbline.engines.rego.errors import EngineError
from plumbline.engines.rego.regopy_engine import RegopyEngine
from plumbline.engines.rego.servers import find_binary

_engines: dict[tuple[int, str | None, str | None], RegoEngine] = {}


def rego_engine() -> RegoEngine:
    """The engine of this process, started when it is first asked for.

    Raises EngineError when the one that was chosen does not work: another one in its place might judge otherwise.
    """
    url = os.environ.get("OPA_URL") or None
    key = (os.getpid(), url, None if url else find_binary())
    if key not in _engines:
        _engines[key] = _started(url, key[2])
    return _engines[key]


def _started(url: str | None, binary: str | None) -> RegoEngine:
    if url:
        from plumbline.engines.rego.opa import OpaEngine  # here, because its HTTP client is slow to import

        return OpaEngine(url, token=os.environ.get("OPA_TOKEN") or None)
    if binary:
        from plumbline.engines.rego.servers import OwnOpaEngine

        return OwnOpaEngine(binary)
    return RegopyEngine()


@atexit.register
def close_engines() -> None:
    """End what this process has started."""
    for (process, _, _), engine in list(_engines.items()):
        if process == os.getpid():
            engine.close()
    _engines.clear()


__all__ = ["EngineError", "close_engines", "rego_engine"]
