"""Quantities have the API server's values, exactly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plumbline.engines.evaluations import error_of, refusal_of, value_of

VALUES: list[tuple[str, Any]] = [
    ("quantity('2k') == quantity('2000')", True),
    ("quantity('2Ki') == quantity('2k')", False),
    ("quantity('1.5Gi') == quantity('1536Mi')", True),
    ("quantity('250m') != quantity('0.25')", False),
    ("quantity('7e3') == quantity('7k')", True),
    ("quantity('7E3') == quantity('7k')", True),
    ("quantity('5e-3') == quantity('5m')", True),
    ("quantity('3u') == quantity('3000n')", True),
    ("quantity('+4') == quantity('04')", True),
    ("quantity('-0') == quantity('0')", True),
    ("quantity('0.3n') == quantity('1n')", True),
    ("quantity('-0.3n') == quantity('-1n')", True),
    ("quantity('12Ei') == quantity('9223372036854775807')", True),
    ("quantity('12E') == quantity('12000000000000000000')", True),
    ("quantity('64Mi') in [quantity('1Gi'), quantity('65536Ki')]", True),
    ("[quantity('1'), quantity('1000m'), quantity('2')].distinct().size()", 2),
    ("{'cpu': quantity('1')} == {'cpu': quantity('1.0')}", True),
    ("quantity(object.memory).isGreaterThan(quantity('1'))", True),
    ("quantity('100Mi').isLessThan(quantity('1Gi'))", True),
    ("quantity('1Gi').isLessThan(quantity('1Gi'))", False),
    ("quantity('9Mi').compareTo(quantity('10M'))", -1),
    ("quantity('1Mi').compareTo(quantity('1024Ki'))", 0),
    ("quantity('1').compareTo(quantity('-1'))", 1),
    ("sign(quantity('-3Mi'))", -1),
    ("sign(quantity('0m'))", 0),
    ("quantity('3Ki').asInteger()", 3072),
    ("quantity('5k').isInteger()", True),
    ("quantity('5000m').isInteger()", False),
    ("quantity('5.0').isInteger()", False),
    ("quantity('999999999999999999').isInteger()", True),
    ("quantity('1000000000000000000').isInteger()", False),
    ("quantity('1Ti').isInteger()", True),
    ("quantity('1Pi').isInteger()", False),
    ("quantity('0.5Ki').isInteger()", False),
    ("quantity('2500m').asApproximateFloat()", 2.5),
    ("quantity('3.3').asApproximateFloat()", 3.3000000000000003),
    ("quantity('200Mi').add(quantity('56Mi')) == quantity('256Mi')", True),
    ("quantity('1').add(quantity('1m')).sub(quantity('1m')) == quantity('1')", True),
    ("quantity('2').add(3).asInteger()", 5),
    ("quantity('2').sub(3).asInteger()", -1),
    ("quantity('1500m').add(quantity('500m')) == quantity('2')", True),
    ("quantity('1500m').add(quantity('500m')).isInteger()", False),
    ("quantity('0').add(quantity('5')).isInteger()", True),
    ("quantity('9223372036854775807').add(1).isInteger()", False),
    ("isQuantity('100Mi')", True),
    ("isQuantity('1.')", True),
    ("isQuantity('.5')", True),
    ("isQuantity('Mi')", True),
    ("isQuantity('')", False),
    ("isQuantity('100MB')", False),
    ("isQuantity('100 Mi')", False),
    ("isQuantity('1K')", False),
    ("isQuantity('1ki')", False),
    ("isQuantity('1.2.3')", False),
    ("isQuantity('1e')", False),
    ("isQuantity('1e2k')", False),
    ("isQuantity('٣')", False),
    ("object.ports.map(port, quantity(string(port))).exists(q, q.isGreaterThan(quantity('100')))", True),
    ("quantity('nonsense') == quantity('1') || true", True),
]
ERRORS = [
    ("quantity('100MB')", "'100MB': quantities must match the regular expression"),
    ("quantity('1Kii')", "quantity"),
    ("quantity('1.5').asInteger()", "cannot convert value to integer"),
    ("quantity(object.empty)", "quantity"),
    ("quantity(object.ports).isLessThan(quantity('1'))", "quantity"),
    ("dyn([1, 2]).isLessThan(quantity('1'))", "no such overload"),
    ("dyn(quantity('1')).isLessThan(semver('1.0.0'))", "isLessThan"),
]
REFUSED = [
    ("quantity(1)", "expected is quantity(string)"),
    ("quantity('1') > quantity('2')", "'>'"),
    ("quantity('1') + quantity('2')", "'+'"),
    ("quantity('1').isLessThan('2')", "kubernetes.Quantity.isLessThan(kubernetes.Quantity)"),
    ("quantity('1').sign()", "sign(kubernetes.Quantity)"),
    ("string(quantity('1'))", "'string'"),
]


@pytest.mark.parametrize(("source", "value"), VALUES)
def test_quantities_are_the_api_servers(source: str, value: Any) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize(("source", "reason"), ERRORS)
def test_what_is_no_quantity_is_an_error_that_names_the_function(source: str, reason: str) -> None:
    assert reason in error_of(source)


@pytest.mark.parametrize(("source", "reason"), REFUSED)
def test_quantities_are_typed(source: str, reason: str) -> None:
    assert reason in refusal_of(source).message


def test_an_exponent_beyond_reason_costs_nothing() -> None:
    assert "beyond 1000" in error_of("quantity('1e999999999')")
    assert value_of("isQuantity('1e99999')") is False
    assert value_of("quantity('1e1000').isGreaterThan(quantity('1e999'))") is True
