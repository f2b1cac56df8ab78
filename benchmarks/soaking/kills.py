"""What is killed, and how it comes back; each time one thing, at an instant that nobody is prepared for."""

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import psutil
import redis

from benchmarks.stack import Stack

_MOST_SECONDS_AWAY = 4.0


@dataclass(frozen=True)
class Outage:
    """From the kill until all was ready again. Instants are of the monotonic clock."""

    kind: str
    began_at: float
    ended_at: float


class Killer:
    """Kills by turns in random order, so that a run of some minutes has every kind more than once."""

    def __init__(self, stack: Stack, rng: random.Random) -> None:
        self.stack = stack
        self.rng = rng
        self.outages: list[Outage] = []
        self._turns: list[str] = []
        self.kinds: dict[str, Callable[[], None]] = {
            "web process": lambda: self._kill(self._child_of("web")),
            "web": lambda: self._restart("web", children_end="before the start"),
            "worker process": lambda: self._kill(self._child_of("worker")),
            "worker": lambda: self._restart("worker", children_end="by themselves"),
            "worker and its processes": lambda: self._restart("worker", children_end="at once"),
            "beat": lambda: self._restart("beat", children_end="by themselves"),
            "redis": self._kill_redis,
            "redis flushed": self._flush_redis,
            "postgres backend": self._kill_backend,
            "postgres, fast": lambda: self._stop_postgres(signal.SIGINT),
            "postgres, immediate": lambda: self._stop_postgres(signal.SIGQUIT),
        }

    def strike(self) -> None:
        """Kill one thing, leave it down for a moment, and bring it back."""
        if not self._turns:
            self._turns = self.rng.sample(list(self.kinds), len(self.kinds))
        kind = self._turns.pop()
        began_at = time.monotonic()
        self.kinds[kind]()
        self.stack.wait_until_ready()
        self.outages.append(Outage(kind, began_at, time.monotonic()))

    def _child_of(self, name: str) -> psutil.Process | None:
        children = self.stack.processes(name)[1:]
        return self.rng.choice(children) if children else None

    def _restart(self, name: str, *, children_end: Literal["at once", "before the start", "by themselves"]) -> None:
        """Kill the first process and, unless they are to find out by themselves that they are alone, its children: at
        once, or before the next start, as a container takes what is left in it along.
        """
        first, *children = self.stack.processes(name)
        self._kill(first)
        if children_end == "at once":
            self._kill(*children)
        self.stack.children[name].wait()
        self._leave_down()
        if children_end == "before the start":
            self._kill(*children)
            psutil.wait_procs(children, timeout=_MOST_SECONDS_AWAY)
        self.stack.start(name)

    def _kill(self, *processes: psutil.Process | None) -> None:
        for process in filter(None, processes):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _kill_redis(self) -> None:
        server = self.stack.servers.redis
        assert server is not None
        self._kill(server.running())
        self._leave_down()
        server.start(dies_with_parent=True)

    def _flush_redis(self) -> None:
        server = self.stack.servers.redis
        assert server is not None
        with redis.Redis.from_url(server.url) as client:
            client.flushall()

    def _kill_backend(self) -> None:
        """PostgreSQL then ends all others, and recovers as after a crash."""
        server = self.stack.servers.postgres
        assert server is not None
        first = server.running()
        backends = [p for p in first.children() if "plumbline_app" in " ".join(p.cmdline())] if first else []
        self._kill(self.rng.choice(backends) if backends else None)

    def _stop_postgres(self, sent: signal.Signals) -> None:
        """SIGINT cuts clients off and shuts down cleanly; SIGQUIT ends everything where it stands."""
        server = self.stack.servers.postgres
        assert server is not None
        process = server.running()
        if process is not None:
            process.send_signal(sent)
            server.stop()  # waits for its end
        self._leave_down()
        server.start(dies_with_parent=True)

    def _leave_down(self) -> None:
        time.sleep(self.rng.uniform(0.0, _MOST_SECONDS_AWAY))
