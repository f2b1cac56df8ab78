"""OPA over its HTTP interface: modules are put under packages of this process alone, and taken away at the end."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import weakref
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

import httpx

from plumbline.engines.rego.engines import QUERY_SECONDS, Answer, Input, Inventory, Patience, Query, undefined
from plumbline.engines.rego.errors import EngineError, RegoError
from plumbline.engines.rego.linking import Linked, texts, under
from plumbline.engines.rego.printing import dotted

_SECONDS_PER_INPUT: Final = 0.1
_UPLOAD_SECONDS: Final = 30.0
_MAX_ANSWER: Final = 8 << 20
_VERSION_QUERY: Final = "version := opa.runtime().version"
# One request judges many inputs. This goes to the end of the policy's first module.
_ANSWERS: Final = "plumbline_answers"
_BATCH: Final = f"""\
{_ANSWERS}[index] := value if {{{{
	some index, item in input.items
	value := data.{{rule}} with input as object.union(item, {{{{"parameters": input.parameters}}}})
}}}}
"""


class OpaEngine:
    """`url` is the server's, or of any host when `socket` is a path. Raises EngineError when nothing answers there."""

    def __init__(
        self, url: str, *, socket: str | None = None, token: str | None = None, seconds: float = QUERY_SECONDS
    ) -> None:
        self._url, self._token, self.seconds = url, token, seconds
        self._clients = [self._connected(socket)]
        self._where = "the opa process" if socket else url
        self.prefix = f"plumbline_{os.getpid()}_{secrets.token_hex(4)}"
        self._put: list[str] = []
        self._inventory: str | None = None
        self._count = 0
        self._dropped: list[str] = []
        try:
            self._version = self._asked_version()
        except EngineError:
            self._clients[0].close()
            raise
        self._finalizer = weakref.finalize(self, _clean, self._clients, self._put, os.getpid())

    @property
    def name(self) -> str:
        return f"OPA {self._version}".strip()

    def compile(self, linked: Linked, rule: str, parameters: Any) -> Query:
        """As `RegoEngine.compile`."""
        self._take_dropped_away()
        self._count += 1
        query = OpaQuery(self, linked, rule, parameters, f"p{self._count}")
        query.upload()
        self.uploaded(query)
        return query

    def uploaded(self, query: OpaQuery) -> None:
        """A query has been put, and so found to be right."""

    def prepare(self) -> None:
        """Called before each question. Raises EngineError."""

    def close(self) -> None:
        """Take the modules away and close the connection."""
        self._finalizer()

    def request(self, method: str, path: str, seconds: float, body: str | None = None) -> httpx.Response:
        """Raises EngineError when there is no answer."""
        try:
            return self._clients[0].request(
                method, path, content=None if body is None else body.encode("utf-8", "replace"), timeout=seconds
            )
        except httpx.TimeoutException as error:
            raise EngineError(f"OPA took more than {seconds:g} seconds") from error
        except httpx.HTTPError as error:
            raise EngineError(f"OPA at {self._where} cannot be reached: {error or type(error).__name__}") from error

    def put(self, path: str, body: str) -> httpx.Response:
        """Upload something to be taken away at the end, what came last first."""
        response = self.request("PUT", path, _UPLOAD_SECONDS, body)
        if response.is_success and path not in self._put:
            self._put.append(path)
        return response

    def drop(self, path: str) -> None:
        """Take what is below this path away, before the next upload. Sends nothing: collecting garbage calls it, which
        may happen in the middle of a request.
        """
        self._dropped.append(path)

    def _take_dropped_away(self) -> None:
        while self._dropped:
            self.take_away(self._dropped.pop())

    def take_away(self, path: str) -> None:
        """Delete the policies below this path."""
        start = f"/v1/policies/{path}/"
        for item in [item for item in reversed(self._put) if unquote(item).startswith(start)]:
            with contextlib.suppress(EngineError):
                self.request("DELETE", item, self.seconds)
            self._put.remove(item)

    def take_inventory(self, inventory: Inventory, *, again: bool = False) -> None:
        """Make this `data.inventory`. Raises EngineError."""
        if self._inventory == inventory.key and not again:
            return
        response = self.put(f"/v1/data/{self.prefix}_inventory", json.dumps(inventory.value, ensure_ascii=False))
        if not response.is_success:
            raise EngineError(f"OPA did not take the inventory: {_message(response)}")
        self._inventory = inventory.key

    def reconnect(self, socket: str) -> None:
        """Another server has taken the place of the last one; it has no inventory yet."""
        self._clients.pop().close()
        self._clients.append(self._connected(socket))
        self._inventory = None
        self._put.clear()

    def _connected(self, socket: str | None) -> httpx.Client:
        try:
            return httpx.Client(
                base_url=self._url,
                transport=httpx.HTTPTransport(uds=socket, retries=1),
                headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
                trust_env=False,
                timeout=self.seconds,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise EngineError(f"OPA_URL {self._url} is not a URL: {error}") from error

    def _asked_version(self) -> str:
        response = self.request("POST", "/v1/query", _UPLOAD_SECONDS, json.dumps({"query": _VERSION_QUERY}))
        if response.status_code in (401, 403):
            raise EngineError(f"OPA at {self._where} refuses the request: set OPA_TOKEN")
        if not response.is_success:
            raise EngineError(f"{self._where} does not answer as OPA does: {response.status_code}")
        with contextlib.suppress(ValueError, LookupError, TypeError):
            return str(response.json()["result"][0]["version"])
        return ""


class OpaQuery:
    def __init__(self, engine: OpaEngine, linked: Linked, rule: str, parameters: Any, name: str) -> None:
        self._engine, self._rule, self._parameters = engine, rule, json.dumps(parameters, ensure_ascii=False)
        package = (engine.prefix, name)
        moved = under(linked, package, (f"{engine.prefix}_inventory",))
        self._names, self._texts = linked.names, texts(moved)
        self.path = "/".join(package)
        self._answers_path = "/".join((*package, *linked.entry, _ANSWERS))
        text, origins = self._texts[0]
        self._texts[0] = (text + _BATCH.format(rule=dotted((*package, *linked.entry, rule))), origins)
        self._patience = Patience()
        weakref.finalize(self, engine.drop, self.path).atexit = False

    def upload(self) -> None:
        """Put the modules: those that others call first. Raises RegoError with the line of the original."""
        waiting = list(reversed(range(len(self._texts))))
        problems: dict[int, RegoError] = {}
        while waiting:
            still = []
            for index in waiting:
                problem = self._upload(index)
                if problem is not None:
                    problems[index] = problem
                    still.append(index)
            if len(still) == len(waiting):
                raise problems[still[-1]]
            waiting = still

    @property
    def modules(self) -> list[str]:
        """The texts of the modules, as they are put."""
        return [text for text, _ in self._texts]

    def _upload(self, index: int) -> RegoError | None:
        text, origins = self._texts[index]
        response = self._engine.put(f"/v1/policies/{quote(f'{self.path}/m{index}', safe='')}", text)
        if response.is_success:
            return None
        line, message = None, _message(response)
        with contextlib.suppress(ValueError, LookupError, TypeError):
            problem = response.json()["errors"][0]
            message = problem["message"].replace(f"{self.path.replace('/', '.')}.", "")
            line = origins[problem["location"]["row"]]
        return RegoError(message, module=self._names[index], line=line or None)

    def answers(self, inputs: Sequence[Input], inventory: Inventory | None = None) -> list[Answer]:
        """As `Query.answers`. What fails as a whole is asked again one by one."""
        exhausted = self._patience.exhausted
        if exhausted is not None or not inputs:
            return [exhausted] * len(inputs)
        try:
            self._engine.prepare()
            if inventory is not None:
                self._engine.take_inventory(inventory)
            return self._asked(inputs, inventory)
        except EngineError as error:
            if len(inputs) == 1:
                return [self._patience.note(error)]
        return [answer for item in inputs for answer in self.answers([item], inventory)]

    def _asked(self, inputs: Sequence[Input], inventory: Inventory | None, *, again: bool = False) -> list[Answer]:
        body = f'{{"input":{{"items":[{",".join(item.text for item in inputs)}],"parameters":{self._parameters}}}}}'
        seconds = self._engine.seconds + _SECONDS_PER_INPUT * (len(inputs) - 1)
        response = self._engine.request("POST", f"/v1/data/{quote(self._answers_path)}", seconds, body)
        if not response.is_success:
            raise EngineError(f"the policy failed: {_message(response)}")
        if len(response.content) > _MAX_ANSWER:
            raise EngineError(f"the policy's answer is larger than {_MAX_ANSWER >> 20} MB")
        try:
            result = response.json().get("result")
        except ValueError as error:
            raise EngineError("OPA's answer is no JSON") from error
        if result is None and not again:  # the server was started anew
            self._restore(inventory)
            return self._asked(inputs, inventory, again=True)
        if not isinstance(result, dict):
            raise EngineError("OPA no longer has the policy")
        return [result[key] if key in result else undefined(self._rule) for key in map(str, range(len(inputs)))]

    def _restore(self, inventory: Inventory | None) -> None:
        try:
            self.upload()
        except RegoError as error:
            raise EngineError(str(error)) from error
        if inventory is not None:
            self._engine.take_inventory(inventory, again=True)


def _message(response: httpx.Response) -> str:
    """What OPA says went wrong, on one line."""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        said = response.json()
        inner = "; ".join(str(item["message"]) for item in said.get("errors") or ())
        return " ".join((inner or str(said["message"])).split())[:300]
    return f"status {response.status_code}"


def _clean(clients: list[httpx.Client], put: Sequence[str], owner: int) -> None:
    if os.getpid() != owner:  # a fork of the process that put them
        return
    while clients:
        client = clients.pop()
        with contextlib.suppress(httpx.HTTPError):
            for path in reversed(put):
                client.delete(path, timeout=2.0)
        client.close()
