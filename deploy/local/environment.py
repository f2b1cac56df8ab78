"""Create or repair `.venv` with the pinned, hashed requirements. Runs on the system's bare Python.

python3 deploy/local/environment.py [--dev]
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
ENVIRONMENT = CHECKOUT / ".venv"
MINIMUM = (3, 11)
_APT_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive"}


def main() -> int:
    parser = argparse.ArgumentParser(description="Create or repair .venv.")
    parser.add_argument("--dev", action="store_true", help="with what tests and linters need")
    options = parser.parse_args()
    if sys.version_info < MINIMUM:
        found = ".".join(map(str, sys.version_info[:3]))
        return _fail(f"Python 3.11 or newer is needed; {sys.executable} is {found}.")
    lock_file = CHECKOUT / ".local" / "run" / "environment.lock"
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second `make` waits for the first to finish the environment
        names = ["requirements.txt", "requirements-dev.txt"] if options.dev else ["requirements.txt"]
        failure = _ensure_environment(names)
        if not failure and options.dev:
            failure = _ensure_chromium()
    return _fail(failure) if failure else 0


def _fail(message: str) -> int:
    print(f"\n{message}", file=sys.stderr)
    return 1


def _ensure_environment(names: list[str]) -> str:
    """Return '' when the environment holds what the files name, else what to do about it."""
    stamps = {name: _fingerprint(CHECKOUT / name) for name in names}
    stamp_files = {name: ENVIRONMENT / f".installed-{name}" for name in names}
    wanted = [n for n in names if not stamp_files[n].exists() or stamp_files[n].read_text() != stamps[n]]
    python = ENVIRONMENT / "bin" / "python"
    if not wanted and _runs([str(python), "-c", ""]):
        return ""
    if not _runs([str(python), "-m", "pip", "--version"]):
        if failure := _create():
            return failure
        wanted = names
    for name in wanted:
        if failure := _install(python, name):
            return failure
        stamp_files[name].write_text(stamps[name])
    return _install_checkout(python)


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes() + sys.version.encode()).hexdigest()


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def _create() -> str:
    if ENVIRONMENT.exists():
        print("  .venv is incomplete: making it anew", flush=True)
        shutil.rmtree(ENVIRONMENT)
    else:
        print("  creating .venv", flush=True)
    if not _runs([sys.executable, "-c", "import ensurepip, venv"]):
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if failure := _apt_install([package], why="Python's venv module is missing."):
            return failure
    done = subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], capture_output=True, text=True)
    if done.returncode != 0:
        return f"The environment could not be created:\n{done.stdout}{done.stderr}"
    return ""


def _install(python: Path, name: str) -> str:
    total = sum(1 for line in (CHECKOUT / name).read_text().splitlines() if re.match(r"\S+==", line))
    command = [str(python), "-m", "pip", "install", "--require-hashes", "--no-input", "--progress-bar=off"]
    command += ["--disable-pip-version-check", "-r", str(CHECKOUT / name)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(f"  {name}: installing {total} packages", flush=True)
    lines: list[str] = []
    count = 0
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            count += 1
            _progress(f"  {name}: {min(count, total)} of {total} packages")
        elif line.startswith("Installing collected"):
            _progress(f"  {name}: unpacking")
    _progress("")
    if process.wait() != 0:
        chatter = ("Requirement already", "Collecting", "  Downloading", "  Using cached")
        end = "".join(line for line in lines if not line.startswith(chatter))
        return f"The packages of {name} could not be installed (is the network there?):\n{end[-2500:]}"
    print(f"  {name}: {total} packages in place", flush=True)
    return ""


def _install_checkout(python: Path) -> str:
    """Put the `plumbline` command into the environment, reading this checkout's own files."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--no-input", "--disable-pip-version-check", "--editable", str(CHECKOUT)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return f"The plumbline command could not be installed:\n{(done.stdout + done.stderr)[-2500:]}"
    return ""


def _progress(text: str) -> None:
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)


def _ensure_chromium() -> str:
    """Browser tests drive Debian's Chromium; the fonts make its screenshots look like a reader's."""
    if os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome"):
        return ""
    return _apt_install(
        ["chromium", "fonts-dejavu-core", "fonts-liberation"],
        why="Chromium, which the browser tests drive, is missing.",
    )


def _apt_install(packages: list[str], *, why: str) -> str:
    """Install Debian packages when we may; return '' or the command that the user has to run."""
    names = " ".join(packages)
    advice = f"{why}\nInstall it and try again:\n    sudo apt-get update && sudo apt-get install {names}"
    if not shutil.which("apt-get"):
        return f"{why}\nInstall {', '.join(packages)} with this system's package manager and try again."
    sudo: list[str] = []
    if os.geteuid() != 0:
        if not _runs(["sudo", "-n", "true"]):
            return advice
        sudo = ["sudo", "-n"]
    print(f"  {why} Installing {names}", flush=True)
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            [*sudo, *command],
            env=os.environ | _APT_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            return f"{advice}\n\n{' '.join(command)} said:\n{(done.stdout + done.stderr)[-1500:]}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
