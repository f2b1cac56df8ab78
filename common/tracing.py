"""Traces, when OTEL_EXPORTER_OTLP_ENDPOINT is set; else nothing of OpenTelemetry is imported and nothing is done.

A report's trace goes from the request that brings it, over its row, to its merge in whatever worker takes it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class _Tracing:
    """Of this process: None until configured."""

    tracer: Any = None


def is_wanted() -> bool:
    """Whether the environment says where traces go."""
    return any(os.environ.get(name) for name in _VARIABLES)


def configure_tracing(service: str) -> None:
    """Trace this process: requests, tasks, queries and Redis commands. Once, before the first of them.

    Call it in the process that works, after any fork: the thread that sends spans does not survive one.
    All else is configured by OpenTelemetry's own variables (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS …).
    """
    if not is_wanted() or _Tracing.tracer is not None:
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from plumbline import __version__

    attributes = {"service.name": os.environ.get("OTEL_SERVICE_NAME", service), "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(attributes))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    for instrumentor in (DjangoInstrumentor, CeleryInstrumentor, Psycopg2Instrumentor, RedisInstrumentor):
        instrumentor().instrument()
    _Tracing.tracer = trace.get_tracer("plumbline")


def current_traceparent() -> str:
    """The W3C traceparent of the span under way; '' when nothing is traced."""
    if _Tracing.tracer is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def continued_trace(name: str, traceparent: str) -> Iterator[None]:
    """A span in the trace of `traceparent`, linked to the span under way here: the task in which it happens."""
    if _Tracing.tracer is None:
        yield
        return
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    here = trace.get_current_span().get_span_context()
    links = [trace.Link(here)] if here.is_valid else []
    context = TraceContextTextMapPropagator().extract({"traceparent": traceparent}) if traceparent else None
    with _Tracing.tracer.start_as_current_span(name, context=context, links=links):
        yield
