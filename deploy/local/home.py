"""Where a set of embedded servers keeps its files: data, logs, pids, secrets."""

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


class LaunchError(Exception):
    """Something that the person at the keyboard has to mend; its text says what and how."""


@dataclass(frozen=True)
class Home:
    """One directory (`.local/` of the checkout, or a test's own) and the names inside it."""

    directory: Path

    @property
    def key(self) -> str:
        """A short name for this directory, the same at every run."""
        return hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]

    @property
    def log(self) -> Path:
        return self._made(self.directory / "log")

    @property
    def run(self) -> Path:
        return self._made(self.directory / "run")

    def create(self) -> None:
        """Make the directory; other users may pass through it (PostgreSQL's account must) but not list it."""
        self._made(self.directory)
        self.directory.chmod(0o711)

    def secret(self, name: str, length: int = 32) -> str:
        """A random value that is made once and kept, readable by its owner only."""
        path = self.directory / name
        if kept := self.read_secret(name):
            return kept
        value = secrets.token_urlsafe(length)
        self.write_secret(name, value)
        return path.read_text().strip()

    def read_secret(self, name: str) -> str:
        """The value kept under `name`, or '' when there is none."""
        try:
            return (self.directory / name).read_text().strip()
        except FileNotFoundError:
            return ""

    def write_secret(self, name: str, value: str) -> None:
        self.create()
        path = self.directory / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(value + "\n")

    @contextlib.contextmanager
    def locked(self, name: str, busy: str) -> Iterator[None]:
        """Hold the lock `name` for the length of a block; LaunchError(busy) when another process holds it."""
        descriptor = self.try_lock(name)
        if descriptor is None:
            raise LaunchError(busy)
        try:
            yield
        finally:
            os.close(descriptor)

    def try_lock(self, name: str) -> int | None:
        """Take the lock and return its descriptor (closing it lets go), or None when it is held elsewhere."""
        descriptor = os.open(self.run / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    def _made(self, path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        return path


DEFAULT_HOME = Home(Path(os.environ.get("PLUMBLINE_HOME") or CHECKOUT / ".local").resolve())
