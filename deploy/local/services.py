"""The processes of Plumbline itself: web, worker, beat. Their output goes to `.local/log/NAME.log`."""

import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

from .console import LogFilter, say
from .home import CHECKOUT, Home
from .processes import die_with_parent, end, find, read_pid

BIN = CHECKOUT / ".venv" / "bin"
LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class Program:
    """A program of ours. `words`: what its command line always holds, to recognise a leftover by."""

    name: str
    words: tuple[str, ...]
    command: tuple[str, ...]
    stop_seconds: float = 15


def programs(port: int, home: Home) -> tuple[Program, ...]:
    """Web, worker and beat, in the order in which they are started."""
    gunicorn = [str(BIN / "gunicorn"), "config.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    gunicorn += ["--config", "config/gunicorn.py", "--graceful-timeout", "10", "--no-control-socket"]
    celery = [str(BIN / "celery"), "--quiet", "-A", "config"]
    worker = [*celery, "worker", "--loglevel", "INFO", "--concurrency", "2"]
    worker += ["--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", "--loglevel", "INFO", "--pidfile=", "--schedule", str(home.run / "celerybeat")]
    return (
        Program("web", ("gunicorn", "config.wsgi:application"), tuple(gunicorn)),
        Program("worker", ("celery", "config worker"), tuple(worker), stop_seconds=60),
        Program("beat", ("celery", "config beat"), tuple(beat)),
    )


class Service:
    """One running program, whose important lines are shown on the console."""

    def __init__(self, program: Program, home: Home, environment: dict[str, str]) -> None:
        self.program = program
        self.log = home.log / f"{program.name}.log"
        self._pid_file = home.run / f"{program.name}.pid"
        _rotate(self.log)
        self._child = subprocess.Popen(
            program.command,
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        self._pid_file.write_text(f"{self._child.pid}\n")
        self._pump = threading.Thread(target=self._copy_output, daemon=True)
        self._pump.start()

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._child.poll()

    def stop(self) -> None:
        """Ask it to finish what it has in hand, then insist."""
        if self._child.poll() is None:
            end(psutil.Process(self._child.pid), seconds=self.program.stop_seconds)
        self._child.wait()
        self._pump.join(timeout=5)
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it at once, with whatever it had in hand."""
        if self._child.poll() is None:
            self._child.kill()

    def _copy_output(self) -> None:
        chosen = LogFilter()
        assert self._child.stdout is not None
        with self._child.stdout as output, self.log.open("ab", buffering=0) as log:
            for raw in output:
                log.write(raw)
                line = raw.decode(errors="replace").rstrip()
                if chosen.shows(line):
                    say(f"{self.program.name:>6} | {line}")


def end_leftovers(home: Home) -> list[str]:
    """End what a killed `make up` left behind; the names of the programs that were still there."""
    ended = []
    for program in programs(0, home):
        pid_file = home.run / f"{program.name}.pid"
        pid = read_pid(pid_file)
        process = find(pid, cwd=CHECKOUT, words=program.words) if pid else None
        if process is not None:
            end(process, seconds=program.stop_seconds)
            ended.append(program.name)
        pid_file.unlink(missing_ok=True)
    return ended


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        os.replace(log, log.with_name(f"{log.name}.1"))
