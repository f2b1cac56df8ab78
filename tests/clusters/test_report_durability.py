"""Accepted means committed, once; a body that stops half-way leaves nothing."""

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import connections

from clusters.models import Report
from clusters.services.intake import accept_report
from clusters.services.intake.bodies import Body, Limits, read_body
from common.errors import Conflict, PlumblineError, TooLarge
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender
from tests.compliance.reports import at, report, resource

LIMITS = Limits(compressed=1000, expanded=2000)


class Connection:
    """A client's body in pieces; a piece that is an exception is raised, as servers do when the client
    dies.
    """

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces: Iterator[bytes | Exception] = iter(pieces)

    def read(self, size: int, /) -> bytes:
        piece = next(self._pieces, b"")
        if isinstance(piece, Exception):
            raise piece
        return piece


@pytest.mark.parametrize(
    "connection",
    [Connection(b"abc"), Connection(b"abc", OSError("reset")), Connection(b"abc", ValueError("bad chunk"))],
    ids=["closed", "reset", "nonsense"],
)
def test_client_that_dies_in_mid_body_leaves_an_incomplete_body(connection: Connection) -> None:
    with pytest.raises(PlumblineError) as refusal:
        read_body(connection, encoding="", content_length=10, limits=LIMITS)
    assert (refusal.value.status, refusal.value.code) == (400, "incomplete_body")


def test_chunked_body_is_read_to_its_end() -> None:
    connection = Connection(b"abc", b"def")
    assert read_body(connection, encoding="", content_length=None, limits=LIMITS) == b"abcdef"


def test_chunked_body_is_cut_off_at_the_limit() -> None:
    endless = Connection(*[b"x" * 100] * 50)
    with pytest.raises(TooLarge):
        read_body(endless, encoding="", content_length=None, limits=LIMITS)
    assert len(endless.read(100)) == 100


@pytest.mark.parametrize("more", [{}, {"session": {"id": str(uuid.uuid4()), "sequence": 1}}], ids=["plain", "numbered"])
@pytest.mark.django_db(transaction=True)
def test_concurrent_duplicates_are_one_row_and_one_receipt(
    agent: Sender, acme: Organization, more: dict[str, Any]
) -> None:
    document = report(resource(), scanned_at=at(0), **more)
    start = threading.Barrier(5)
    answers = []

    def send() -> None:
        start.wait()
        answers.append(agent.post(document).json())
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 5
    assert len({(answer["id"], answer["received_at"]) for answer in answers}) == 1
    with organization_scope(acme.pk):
        assert Report.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_row_of_another_body_stored_in_between_is_a_conflict(agent: Sender, acme: Organization) -> None:
    document = report(resource(), scanned_at=at(0))
    agent.post(document)
    with organization_scope(acme.pk), pytest.raises(Conflict):
        accept_report(cluster_id=agent.cluster.pk, body=Body.plain(b" " + orjson.dumps(document)))
