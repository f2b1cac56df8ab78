"""The text that Prometheus reads, and who may read it."""

import hmac
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from . import metrics

CONTENT_TYPE = exposition.CONTENT_TYPE_LATEST
_NEAR = [
    ip_network(network)
    for network in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip


def may_read(*, token: str, authorization: str, address: str, is_forwarded: bool) -> bool:
    """With a token set: its bearer, from anywhere. Without: a loopback or private address, straight.

    What a proxy passes on comes from a private address too, whoever is behind it: that is not straight.
    """
    if token:
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    return not is_forwarded and _is_near(address)


def render(*extra: Collector) -> bytes:
    """What all processes of this machine have counted, and what `extra` finds out now."""
    registry = CollectorRegistry()
    if metrics.DIRECTORY:
        MultiProcessCollector(registry, path=metrics.DIRECTORY)
        counted = exposition.generate_latest(registry)
    else:
        counted = exposition.generate_latest(metrics.REGISTRY)
    asked = CollectorRegistry()
    for collector in extra:
        asked.register(collector)
    return counted + exposition.generate_latest(asked)


class Fixed(Collector):
    """Gauges that were found out beforehand: (name, help, labels, {label values: value})."""

    def __init__(self, gauges: Iterable["Gauges"]) -> None:
        self._gauges = list(gauges)

    def collect(self) -> Iterator[Any]:
        for name, text, labels, samples in self._gauges:
            family = GaugeMetricFamily(name, text, labels=labels)
            for label_values, value in samples.items():
                family.add_metric(label_values, value)
            yield family


Gauges = tuple[str, str, tuple[str, ...], dict[tuple[str, ...], float]]


def _is_near(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in network for network in _NEAR if network.version == mapped.version)
