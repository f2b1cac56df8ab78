"""Where a resource lives is what the operator says, and what its identity says; its labels say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plumbline.operators import load_namespaces, load_teams, scanned_among
from plumbline.resources import Resource
from plumbline.scopes import Scopes, TeamSpaces
from tests.plumbline.declared import document, write

PAYMENTS = TeamSpaces("payments", ("pay", "pay-*"))
PLATFORM = TeamSpaces("platform", ("*",), ("eu-?",))


@pytest.mark.parametrize(
    ("cluster", "namespace", "team"),
    [
        ("eu-1", "pay", "payments"),
        ("eu-1", "pay-out", "payments"),
        ("eu-1", "kube-system", "platform"),
        ("us-1", "kube-system", ""),
        ("", "kube-system", ""),
        ("eu-1", "", ""),
    ],
)
def test_the_first_entry_that_holds_a_namespace_names_its_team(cluster: str, namespace: str, team: str) -> None:
    assert Scopes(cluster, teams=(PAYMENTS, PLATFORM)).team_of(namespace) == team


def test_a_namespace_lives_in_itself() -> None:
    obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pay", "labels": {"team": "other"}}}
    scope = Scopes(teams=(PAYMENTS,), namespaces={"pay": {"tier": "back"}}).of(Resource(obj))
    assert (scope.namespace, scope.team) == ("pay", "payments")
    assert scope.labels == {"tier": "back", "kubernetes.io/metadata.name": "pay"}


def test_the_name_of_a_namespace_is_its_own_whatever_its_labels_say() -> None:
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "pay"}}
    known = {"pay": {"kubernetes.io/metadata.name": "trusted"}}
    assert Scopes(namespaces=known).of(Resource(obj)).labels == {"kubernetes.io/metadata.name": "pay"}


def test_namespaces_are_read_as_kubectl_prints_them(tmp_path: Path) -> None:
    items = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pay", "labels": {"tier": "back"}}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}},
    ]
    file = write(tmp_path / "namespaces.yaml", {"apiVersion": "v1", "kind": "List", "items": items})
    assert load_namespaces(file) == ({"pay": {"tier": "back"}, "shop": {}}, [])


def test_a_file_without_namespaces_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "other.yaml", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}})
    _, (problem,) = load_namespaces(file)
    assert problem.message == "holds no Namespace"


def test_teams_are_read_in_their_order(tmp_path: Path) -> None:
    teams = [{"name": "payments", "namespaces": ["pay"]}, {"name": "all", "namespaces": ["*"], "clusters": ["a"]}]
    entries, problems = load_teams(write(tmp_path / "teams.yaml", document("Teams", "acme", {"teams": teams})))
    assert problems == []
    assert entries == (TeamSpaces("payments", ("pay",)), TeamSpaces("all", ("*",), ("a",)))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"teams": [{"name": "a"}]}, 'spec.teams[0]: "namespaces" is a required property'),
        ({"teams": [{"name": "a*", "namespaces": ["x"]}]}, "spec.teams[0].name: "),
        ({"teams": [{"name": "a", "namespaces": "x"}]}, "spec.teams[0].namespaces: "),
        ({}, 'spec: "teams" is a required property'),
    ],
)
def test_what_is_wrong_with_teams_is_named(tmp_path: Path, spec: dict[str, Any], words: str) -> None:
    _, (problem,) = load_teams(write(tmp_path / "teams.yaml", document("Teams", "acme", spec)))
    assert problem.message.startswith(f"Teams acme: {words}")


@pytest.mark.parametrize(
    ("file", "sources", "is_among"),
    [
        ("exceptions/a.yaml", ["manifests"], False),
        ("manifests/a.yaml", ["manifests"], True),
        ("manifests/a.yaml", ["manifests/a.yaml"], True),
        ("manifests/sub/../a.yaml", ["manifests"], True),
        (".", ["manifests"], True),
        ("manifests/.plumbline/a.yaml", ["manifests"], False),
        ("manifests/.plumbline", ["manifests"], False),
        ("manifests/.a.yaml", ["manifests"], True),
        ("manifests/a.yaml", ["-"], False),
    ],
)
def test_what_is_scanned_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, sources: list[str], is_among: bool
) -> None:
    for name in ("exceptions/a.yaml", "manifests/a.yaml", "manifests/sub/b.yaml", "manifests/.plumbline/a.yaml"):
        write(tmp_path / name, {})
    monkeypatch.chdir(tmp_path)
    assert scanned_among([file], sources) == (file if is_among else None)


def test_a_link_to_what_is_scanned_is_no_way_around(tmp_path: Path) -> None:
    manifest = write(tmp_path / "manifests" / "a.yaml", {})
    link = tmp_path / "exceptions.yaml"
    link.symlink_to(manifest)
    assert scanned_among([link], [tmp_path / "manifests"]) == str(link)
