"""The soak's agents speak the protocol, and its own account of merging is the server's: else a soak proves nothing."""

import random

import httpx
import pytest

from benchmarks.soaking.agents import Agent
from benchmarks.soaking.doors import Door, Ledger
from benchmarks.soaking.replays import Effect, ReplayedCluster
from benchmarks.soaking.workloads import SimulatedCluster
from clusters.models import Resource
from compliance.models import Violation, ViolationStatus
from compliance.services.turns import process_waiting_reports
from organizations.models import Organization
from organizations.scope import organization_scope
from tests.clusters.conftest import Sender

SLUGS = ("privileged-container", "host-network", "memory-limits", "cpu-limits")


@pytest.mark.parametrize("seed", [1, 2])
def test_what_simulated_agents_report_is_merged_as_the_soak_replays_it(
    agent: Sender, acme: Organization, seed: int
) -> None:
    rng, replayed = random.Random(seed), ReplayedCluster()
    door = Door(httpx.AsyncClient(), agent.secret, Ledger(), rng)
    simulated = Agent("", SimulatedCluster(rng, SLUGS), door, rng, numbers_reports=False)
    for _ in range(3):
        simulated.restart()
        for _ in range(7):
            simulated.cluster.evolve()
            report = simulated.next_report()
            assert agent.post(report).status_code == 202
            with organization_scope(acme.pk):
                process_waiting_reports()
            receipt = agent.status(report["id"]).json()
            effect = Effect(receipt["opened_count"], receipt["resolved_count"], receipt["unknown_count"])
            assert (receipt["status"], effect) == ("processed", replayed.merge(report))
    with organization_scope(acme.pk):
        resources = Resource.objects.filter(deleted_at=None).values_list("group", "kind", "namespace", "name", "digest")
        standing = Violation.objects.exclude(status=ViolationStatus.RESOLVED).values_list(
            "resource__name", "policy__slug", "rule", "place", "exception"
        )
        assert {(*key, kept.digest) for key, kept in replayed.resources.items()} == set(resources)
        assert sorted(standing) == sorted(
            (key[3], *place, exception)
            for key, kept in replayed.resources.items()
            for place, exception in kept.standing.items()
        )
