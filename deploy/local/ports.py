"""The port of the web pages: asked for with PORT=, and told apart from one that somebody else holds."""

import os
import socket

import psutil

from .home import LaunchError

DEFAULT_PORT = 8000


def wanted() -> int:
    """The port in the environment's PORT, else 8000. LaunchError when it is no port."""
    given = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 65535:
        raise LaunchError(f"PORT={given} is not a port: give a number from 1 to 65535.")
    return int(given)


def check_free(port: int) -> None:
    """LaunchError, naming who holds it and another port to try, when `port` cannot be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise LaunchError(f"Port {port} needs more rights than yours. {_advice(port)}") from error
        except OSError as error:
            raise LaunchError(f"Port {port} is taken{_holder(port)}. {_advice(port)}") from error


def _advice(port: int) -> str:
    other = port + 1 if port < 65535 else port - 1
    return f"Choose another one:\n    PORT={other if other > 1024 else 8001} make up"


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            is_listening = connection.status == psutil.CONN_LISTEN and connection.pid
            if is_listening and connection.laddr[1:] == (port,):
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass  # another user's process: its name is not ours to see
    return ""
