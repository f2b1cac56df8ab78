"""Which tests there are on this machine: those of a real server need one."""

from tests.e2e.servers import ASSETS

collect_ignore = [] if ASSETS else ["test_server.py"]
