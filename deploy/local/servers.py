"""The two embedded servers together, and the environment that Django's settings read.

eval "$(make -s env)"                                        # servers of this checkout, for a shell
python -m deploy.local.servers --home .local/bench           # servers of your own
python -m deploy.local.servers --home .local/bench --stop
"""

import argparse
import os
import shlex
import sys
from pathlib import Path

from .home import DEFAULT_HOME, Home, LaunchError
from .postgres import OWNER_ROLE, PostgresServer
from .redis_server import RedisServer


class Servers:
    """PostgreSQL and Redis of one home; each is left out when the user's environment names another one."""

    VARIABLES = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY")

    def __init__(self, home: Home = DEFAULT_HOME, *, durable: bool = True) -> None:
        self.home = home
        self.postgres = None if os.environ.get("DATABASE_URL") else PostgresServer(home, durable=durable)
        self.redis = None if os.environ.get("REDIS_URL") else RedisServer(home, durable=durable)

    def environment(self) -> dict[str, str]:
        """VARIABLES with their values, which are known before the servers run."""
        found = {"SECRET_KEY": os.environ.get("SECRET_KEY") or self.home.secret("secret_key", 50)}
        if self.postgres is None:
            found["DATABASE_URL"] = os.environ["DATABASE_URL"]
            found["DATABASE_OWNER_URL"] = os.environ.get("DATABASE_OWNER_URL") or found["DATABASE_URL"]
        else:
            found["DATABASE_URL"] = self.postgres.url()
            found["DATABASE_OWNER_URL"] = self.postgres.url(OWNER_ROLE)
        found["REDIS_URL"] = os.environ["REDIS_URL"] if self.redis is None else self.redis.url
        return found

    def start(self, *, dies_with_parent: bool) -> dict[str, str]:
        """Bring up what is embedded and return the environment. With `dies_with_parent` they end with us."""
        if self.postgres is not None:
            self.postgres.start(dies_with_parent=dies_with_parent)
        if self.redis is not None:
            self.redis.start(dies_with_parent=dies_with_parent)
        return self.environment()

    def stop(self) -> None:
        """Stop what is embedded, Redis first."""
        if self.redis is not None:
            self.redis.stop()
        if self.postgres is not None:
            self.postgres.stop()

    def remove(self) -> None:
        """Stop what is embedded and delete PostgreSQL's data, which may lie outside of the home."""
        self.stop()
        if self.postgres is not None:
            self.postgres.remove()


def main(arguments: list[str] | None = None) -> int:
    """Start (or stop) the servers and print shell exports on standard output. Exit 1 with the reason."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.servers", description="Embedded servers.")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME.directory, help="where data and logs go")
    parser.add_argument("--stop", action="store_true", help="stop them instead")
    options = parser.parse_args(arguments)
    servers = Servers(Home(options.home.resolve()))
    try:
        if options.stop:
            servers.stop()
            return 0
        for name, value in servers.start(dies_with_parent=False).items():
            print(f"export {name}={shlex.quote(value)}")
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
