"""`make up`: everything from an empty checkout to a page that can be opened, and back down on Ctrl-C.

make up                      PORT=8001 make up              make up MANIFESTS=path/
"""

import contextlib
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from . import manifests, ports, preparation
from .console import complain, say, step
from .home import DEFAULT_HOME, Home, LaunchError
from .processes import tail
from .servers import Servers
from .services import Service, end_leftovers, programs

READY_SECONDS = 90
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal: stop everything in order."""


def main() -> int:
    """Exit 0 after an ordinary stop, 1 with the reason when something has to be mended."""
    home = DEFAULT_HOME
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        port = ports.wanted()
        asked = manifests.wanted()
        lock = home.try_lock("up.lock")
        if lock is None:
            return _join_running(home, asked)
        with os.fdopen(lock, "r+") as held:
            held.truncate()
            held.write(f"{os.getpid()}\n")
            held.flush()
            _run(home, port, asked)
    except LaunchError as error:
        complain(f"\n{error}")
        return 1
    except Interrupted:
        pass
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


def _stop(services: list[Service]) -> None:
    """Web, beat, worker: nothing new comes in while the rest is finished. A second Ctrl-C hurries them."""

    def hurry(number: int, frame: FrameType | None) -> None:
        for service in services:
            service.kill()

    for number in STOP_SIGNALS:
        signal.signal(number, hurry)
    say("\nStopping (Ctrl-C again to hurry)")
    for name in ("web", "beat", "worker"):
        for service in services:
            if service.program.name == name:
                service.stop()


def _join_running(home: Home, asked: Path | None) -> int:
    url = home.read_secret("run/url")
    if not url:
        say("Another `make up` is starting in this checkout: see its terminal, or `make down` to stop it.")
        return 0
    say(f"Plumbline is already running at {url}")
    if asked is None:
        say("Stop it with Ctrl-C in its terminal, or with `make down`.")
    else:
        manifests.scan(home, asked, url, dict(os.environ) | Servers(home).environment())
    return 0


def _run(home: Home, port: int, asked: Path | None) -> None:
    (home.run / "url").unlink(missing_ok=True)
    say("Plumbline is starting")
    if ended := end_leftovers(home):
        say(f"  ✓ ended what an earlier run left: {', '.join(ended)}")
    ports.check_free(port)
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        servers = Servers(home)
        environment = _environment(home, url, servers)
        _start_servers(servers, stack)
        preparation.migrate(home, environment)
        preparation.collect_static_files(home, environment)
        services: list[Service] = []
        stack.callback(_stop, services)
        with step("Web, worker and beat"):
            for program in programs(port, home):
                services.append(Service(program, home, environment))
            _wait_until_ready(url, services)
        has_demo = preparation.seed(home, environment, url)
        home.write_secret("run/url", url)
        stack.callback((home.run / "url").unlink, missing_ok=True)
        if asked is not None:
            manifests.scan(home, asked, url, environment)
        _announce(url, environment, has_demo)
        _watch(services)


def _environment(home: Home, url: str, servers: Servers) -> dict[str, str]:
    environment = dict(os.environ) | servers.environment() | {"PYTHONUNBUFFERED": "1"}
    environment.setdefault("PLUMBLINE_BASE_URL", url)
    environment.setdefault("PLUMBLINE_DEBUG", "0")
    environment.setdefault("STATIC_ROOT", str(home.directory / "static"))
    metrics = home.run / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # what is counted begins with the processes
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    if hosts := environment.get("ALLOWED_HOSTS"):
        environment["ALLOWED_HOSTS"] = f"{hosts},127.0.0.1"  # we ask the pages ourselves whether they are up
    environment["DEMO_PASSWORD"] = preparation.demo_password(home)
    return environment


def _start_servers(servers: Servers, stack: contextlib.ExitStack) -> None:
    if servers.postgres is not None:
        with step("PostgreSQL"):
            stack.callback(servers.postgres.stop)
            servers.postgres.start(dies_with_parent=True)
    if servers.redis is not None:
        with step("Redis"):
            stack.callback(servers.redis.stop)
            servers.redis.start(dies_with_parent=True)


def _wait_until_ready(url: str, services: list[Service]) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    answer = "no answer"
    while time.monotonic() < give_up_at:
        _check_alive(services)
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - a URL of our own
                return
        except urllib.error.HTTPError as error:
            answer = f"status {error.code}"
        except OSError as error:
            answer = str(error)
        time.sleep(0.2)
    raise LaunchError(
        f"{url}/readyz is not ready after {READY_SECONDS} s ({answer}). The end of {services[0].log}:\n"
        f"{tail(services[0].log)}"
    )


def _check_alive(services: list[Service]) -> None:
    for service in services:
        code = service.exit_code()
        if code is not None:
            raise LaunchError(
                f"{service.program.name} ended by itself (exit code {code}), so everything is stopped. "
                f"The end of {service.log}:\n{tail(service.log)}"
            )


def _announce(url: str, environment: dict[str, str], has_demo: bool) -> None:
    say(f"\nPlumbline is ready: {url}")
    if has_demo:
        say(f"Sign in as olivia@acme.example with the password {environment['DEMO_PASSWORD']}")
    say("Ctrl-C stops everything; the data stays in .local/. Logs: .local/log/\n")


def _watch(services: list[Service]) -> None:
    while True:
        _check_alive(services)
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
