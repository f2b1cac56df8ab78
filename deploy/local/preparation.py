"""What has to be in place before the pages are worth opening: schema, static files, demo data."""

import hashlib
import os
import sys
from contextlib import closing
from pathlib import Path

import psycopg2

from .console import say, step
from .home import CHECKOUT, Home, LaunchError
from .processes import run, tail


def manage(home: Home, environment: dict[str, str], *arguments: str) -> None:
    """Run a management command, its output in `.local/log/manage.log`. LaunchError if it fails."""
    log = home.log / "manage.log"
    with log.open("ab") as output:
        command = [sys.executable, "manage.py", *arguments]
        done = run(command, environment, stdout=output, stderr=output)
    if done.returncode != 0:
        raise LaunchError(f"manage.py {arguments[0]} failed. The end of {log}:\n{tail(log)}")


def migrate(home: Home, environment: dict[str, str]) -> None:
    """Bring the schema and the library's policies in the database up to date, as the tables' owner."""
    with step("Database schema"):
        manage(home, environment, "migrate")
    with step("Policy library"):
        manage(home, environment, "sync_library")


def collect_static_files(home: Home, environment: dict[str, str]) -> None:
    """Gather and compress the static files when any of them, or a package that brings some, has changed."""
    stamp = home.run / "static-files"
    wanted = _static_fingerprint()
    if stamp.exists() and stamp.read_text() == wanted and Path(environment["STATIC_ROOT"]).exists():
        return
    with step("Static files"):
        manage(home, environment, "collectstatic", "--noinput", "--clear")
    stamp.write_text(wanted)


def _static_fingerprint() -> str:
    digest = hashlib.sha256((CHECKOUT / "requirements.txt").read_bytes())
    for path in sorted(p for p in (CHECKOUT / "static").rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def demo_password(home: Home) -> str:
    """The password of the demo's people: DEMO_PASSWORD, else the one of the last start, else a new one."""
    if given := os.environ.get("DEMO_PASSWORD"):
        home.write_secret("demo_password", given)
    return home.secret("demo_password", 12)


def seed(home: Home, environment: dict[str, str], url: str) -> bool:
    """Create the demo organizations and replay their fleet's life, unless this database has organizations.

    DEMO=0 in the environment leaves it out. An unfinished replay is taken up again at the next start,
    and a password given anew is set anew.
    Returns False when the organizations there are somebody's own, of whom we know no password.
    """
    if os.environ.get("DEMO") == "0":
        return False
    state = home.directory / "demo-data"
    password = hashlib.sha256(environment["DEMO_PASSWORD"].encode()).hexdigest()
    earlier = state.read_text().split() if state.exists() else []
    count = _organization_count(environment["DATABASE_URL"])
    if count and (not earlier or earlier == ["complete", password]):
        return bool(earlier)
    say("  … Demo data: 90 days of a fleet's life, replayed through the report API")
    state.write_text(f"unfinished {password}\n")
    state.chmod(0o600)
    done = run([sys.executable, "manage.py", "seed_demo", "--url", url], environment)
    if done.returncode != 0:
        raise LaunchError("The demo data is not complete. The next `make up` goes on where it stopped.")
    state.write_text(f"complete {password}\n")
    say("  ✓ Demo data")
    return True


def _organization_count(database_url: str) -> int:
    # Row-level security shows organizations to whoever says that he lists them (see organizations/scope.py).
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('plumbline.directory', 'on', true)")
        cursor.execute("SELECT count(*) FROM organizations_organization")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
