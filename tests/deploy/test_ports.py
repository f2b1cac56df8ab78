"""The port of `make up`."""

import os
import socket

import pytest

from deploy.local import ports
from deploy.local.home import LaunchError


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port_is_named_with_its_holder_and_another_to_try(taken_port):
    with pytest.raises(LaunchError) as caught:
        ports.check_free(taken_port)
    assert f"Port {taken_port} is taken by" in str(caught.value)
    assert f"(process {os.getpid()})" in str(caught.value)
    assert f"PORT={taken_port + 1} make up" in str(caught.value)


def test_a_port_that_was_let_go_is_free(taken_port):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ports.check_free(port)


@pytest.mark.parametrize("given", ["http", "0", "65536", "-1", "80 80", "８０００"])
def test_what_is_no_port_is_refused_by_name(monkeypatch, given):
    monkeypatch.setenv("PORT", given)
    with pytest.raises(LaunchError, match=f"PORT={given} is not a port"):
        ports.wanted()


def test_without_a_wish_the_port_is_8000(monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    assert ports.wanted() == 8000
