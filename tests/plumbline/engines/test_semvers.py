"""Semantic versions are ordered as by the API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plumbline.engines.evaluations import error_of, refusal_of, value_of

VALUES: list[tuple[str, Any]] = [
    ("semver('4.5.6').major() * 100 + semver('4.5.6').minor() * 10 + semver('4.5.6').patch()", 456),
    ("semver('1.10.0').isGreaterThan(semver('1.9.9'))", True),
    ("semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))", True),
    ("semver('1.0.0-2').isLessThan(semver('1.0.0-10'))", True),
    ("semver('1.0.0-2').isLessThan(semver('1.0.0-a'))", True),
    ("semver('1.0.0-a').compareTo(semver('1.0.0-a.1'))", -1),
    ("semver('2.0.0').compareTo(semver('2.0.0'))", 0),
    ("semver('2.0.1').compareTo(semver('2.0.0'))", 1),
    ("semver('1.0.0+build.5') == semver('1.0.0')", True),
    ("semver('1.0.0-rc') == semver('1.0.0')", False),
    ("semver('v1.31', true) == semver('1.31.0')", True),
    ("semver('2', true).patch()", 0),
    ("semver('01.002.0003', true) == semver('1.2.3')", True),
    ("semver('v1.2.3-rc.1+b', true) == semver('1.2.3-rc.1')", True),
    ("isSemver('1.31.4')", True),
    ("isSemver('v1.31.4')", False),
    ("isSemver('v1.31.4', true)", True),
    ("isSemver('1.31')", False),
    ("isSemver('1.31', false)", False),
    ("isSemver('1.2.3.4')", False),
    ("isSemver('1.2.3-01')", False),
    ("isSemver('1.2.3-01a')", True),
    ("isSemver('1.2.3+')", False),
    ("isSemver('1.2.3-a..b')", False),
    ("isSemver('1.2.3-rc', true)", True),
    ("isSemver('1.2-rc', true)", False),
    ("isSemver('', true)", False),
    ("isSemver('99999999999999999999.0.0')", False),
]
ERRORS = [
    ("semver('latest')", "'latest' is not a semantic version"),
    ("semver('1.2-rc', true)", "short version"),
    ("semver('1.0.0-007')", "must not begin with 0"),
    ("semver(object.ports)", "semver"),
]
REFUSED = [
    ("semver('1.0.0').isLessThan(quantity('1'))", "kubernetes.Semver.isLessThan(kubernetes.Semver)"),
    ("semver('1.0.0') < semver('2.0.0')", "'<'"),
]


@pytest.mark.parametrize(("source", "value"), VALUES)
def test_versions_are_the_api_servers(source: str, value: Any) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize(("source", "reason"), ERRORS)
def test_what_is_no_version_is_an_error_that_says_why(source: str, reason: str) -> None:
    assert reason in error_of(source)


@pytest.mark.parametrize(("source", "reason"), REFUSED)
def test_versions_are_typed(source: str, reason: str) -> None:
    assert reason in refusal_of(source).message
