"""`make down`: stop what runs in this checkout, whoever started it. With --delete, the data goes too."""

import argparse
import sys

from .console import complain, say
from .home import CHECKOUT, DEFAULT_HOME, Home, LaunchError
from .processes import end, find, read_pid
from .servers import Servers
from .services import end_leftovers

STOP_SECONDS = 120


def main() -> int:
    """Exit 0 when nothing of this checkout runs any more."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.down")
    parser.add_argument("--delete", action="store_true", help="delete the databases as well")
    options = parser.parse_args()
    home = DEFAULT_HOME
    try:
        _stop_supervisor(home)
        end_leftovers(home)
        servers = Servers(home)
        servers.stop()
        if options.delete:
            servers.remove()
            _delete_test_servers()
    except LaunchError as error:
        complain(str(error))
        return 1
    say("Nothing of this checkout is running." if not options.delete else "Stopped and deleted.")
    return 0


def _stop_supervisor(home: Home) -> None:
    pid = read_pid(home.run / "up.lock")
    process = find(pid, cwd=CHECKOUT, words=("deploy.local.up",)) if pid else None
    if process is not None:
        end(process, seconds=STOP_SECONDS)


def _delete_test_servers() -> None:
    for directory in sorted((DEFAULT_HOME.directory / "test").glob("*/")):
        Servers(Home(directory)).remove()


if __name__ == "__main__":
    sys.exit(main())
