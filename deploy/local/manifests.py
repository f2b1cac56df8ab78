"""`make up MANIFESTS=path/`: the user's own manifests as one more cluster of the demo organization."""

import hashlib
import os
import re
import sys
from pathlib import Path

from .console import complain, say
from .home import Home, LaunchError
from .processes import run
from .services import BIN

ORGANIZATION = "acme"
ENVIRONMENT = "development"


def wanted() -> Path | None:
    """The directory or file in the environment's MANIFESTS; LaunchError when it is not there."""
    given = os.environ.get("MANIFESTS")
    if not given:
        return None
    path = Path(given).expanduser().resolve()
    if not path.exists():
        raise LaunchError(f"MANIFESTS={given}: there is no such file or directory.")
    return path


def scan(home: Home, path: Path, url: str, environment: dict[str, str]) -> None:
    """Scan `path` with the CLI and report it to the server, as the cluster named after it."""
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:60] or "manifests"
    token = _token(home, path, name, environment)
    say(f"\nScanning {path} as the cluster {name}")
    command = [str(BIN / "plumbline"), "scan", str(path), "--report-to", url, "--fail-on", "never"]
    done = run(command, environment | {"PLUMBLINE_TOKEN": token})
    if done.returncode != 0:
        complain(
            f"\nNot everything in {path} could be read, or it was not reported: see above. "
            f"If the server refused the token, remove {home.directory / _token_file(path, name)} first."
        )


def _token_file(path: Path, name: str) -> str:
    # Two directories of one name are two clusters, so the path has its part in the file's name.
    return f"cluster-{name}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}.token"


def _token(home: Home, path: Path, name: str, environment: dict[str, str]) -> str:
    file = _token_file(path, name)
    if kept := home.read_secret(file):
        return kept
    command = [sys.executable, "manage.py", "create_cluster", "--organization", ORGANIZATION]
    command += ["--name", name, "--environment", ENVIRONMENT]
    done = run(command, environment, capture_output=True)
    if done.returncode != 0:
        raise LaunchError(f"The cluster {name} could not be registered:\n{done.stderr.strip()[-1500:]}")
    token = done.stdout.split()[-1] if done.stdout.split() else ""
    home.write_secret(file, token)
    return token
