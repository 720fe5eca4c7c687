"""What the service counts and measures, for Prometheus. One registry a service; nothing here is global."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from service.lifecycle import Service

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """Counters that requests and jobs move, and gauges read from the service when somebody asks."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "uijepa_requests", "Answered HTTP requests.", ["route", "status"], registry=self._registry
        )
        self._clips = Counter(
            "uijepa_clips",
            "Received clips: answered, abandoned, or a problem's code.",
            ["outcome"],
            registry=self._registry,
        )
        self._bytes = Counter("uijepa_clip_bytes", "Bytes of received clips.", registry=self._registry)
        self._stages = Histogram(
            "uijepa_stage_seconds",
            "Wall time of each stage of answered clips.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_State(service))
        ProcessCollector(registry=self._registry)

    def request(self, route: str, status: int) -> None:
        self._requests.labels(route, str(status)).inc()

    def received(self, count: int) -> None:
        """A clip of `count` bytes is complete."""
        self._bytes.inc(count)

    def clip(self, outcome: str) -> None:
        """A clip that was received has come to an end: "answered", "abandoned", or a problem's code."""
        self._clips.labels(outcome).inc()

    def stages(self, timings_ms: Mapping[str, float]) -> None:
        """An answer's timings."""
        for stage, ms in timings_ms.items():
            self._stages.labels(stage).observe(ms / 1000)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _State(Collector):
    """The service as it is at this moment."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterable[Metric]:
        return self._now()

    def _now(self) -> Iterator[Metric]:
        service = self._service
        gate = service.gate
        alive, replaced = service.decoders
        yield _gauge("uijepa_ready", "1 while clips are taken.", service.status == "ready")
        yield _gauge("uijepa_draining", "1 while the service shuts down.", service.status == "draining")
        yield _gauge("uijepa_model_loaded", "1 while the model is in memory.", service.loaded)
        yield _gauge("uijepa_in_progress", "Requests being received, waiting or being answered.", gate.taken)
        yield _gauge("uijepa_queue_waiting", "Complete clips that wait for their turn.", gate.waiting)
        yield _gauge("uijepa_places", "Requests that may be under way at once; more get 429.", gate.places)
        yield _gauge("uijepa_decoders", "Decoding child processes alive.", alive)
        yield CounterMetricFamily(
            "uijepa_decoders_replaced", "Decoding child processes ended and replaced.", replaced
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, float(value))
