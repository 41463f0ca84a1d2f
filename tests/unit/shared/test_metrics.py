"""The endpoint speaks Prometheus and OpenMetrics, names follow the conventions, and unknown is not zero."""

from __future__ import annotations

import math
import re
import socket
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from shared.errors import ConfigError
from shared.metrics import Metrics, Served, Total, serve

BOUNDED = {"hat", "state", "lane", "outcome", "reason", "feed", "budget", "dimension", "le"}
NOT_BASE = ("_ms", "_us", "_ns", "_minutes", "_percent", "_kb", "_count_total")


@pytest.fixture
def metrics() -> Metrics:
    """Fresh metrics with one value of each labelled kind."""
    fresh = Metrics()
    fresh.hat_up.labels("risk_oversight_officer").set(1)
    fresh.orders.labels("filled", "none").inc()
    fresh.latency.labels("risk_oversight_officer").observe(30e-6)
    fresh.mailbox_conflated.raise_to(3, "risk_oversight_officer")
    fresh.build.info({"version": "0.1.0", "config": "ab12"})
    return fresh


@pytest.fixture
def served(metrics: Metrics) -> Iterator[Served]:
    """The endpoint on a free port."""
    endpoint = serve(metrics, port=0)
    yield endpoint
    endpoint.stop()


def get(port: int, accept: str = "text/plain") -> str:
    """What a scraper reads."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.read().decode())


def test_a_scraper_reads_the_values(served: Served) -> None:
    """Both text formats parse and hold what was set."""
    plain = {family.name: family for family in parse(get(served.port))}
    assert plain["hats_hat_up"].samples[0].labels == {"hat": "risk_oversight_officer"}
    assert plain["hats_order"].samples[0].value == 1
    text = get(served.port, "application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")
    families = parse_openmetrics(text)  # type: ignore[no-untyped-call]
    names = {sample.name for family in families for sample in family.samples}
    assert {"hats_order_total", "hats_message_latency_seconds_bucket", "hats_build_info"} <= names


def test_unknown_is_not_zero(served: Served) -> None:
    """A gauge that nobody has set yet is NaN: no equity is not an equity of 0."""
    values = {s.name: s.value for family in parse(get(served.port)) for s in family.samples if not s.labels}
    for name in ("hats_equity_usd", "hats_drawdown_ratio", "hats_kill_state", "hats_audit_seq"):
        assert math.isnan(values[name]), name


def test_names_and_labels_follow_the_conventions(metrics: Metrics) -> None:
    """One prefix, snake case, base units, a help text, and labels that can't grow without bound."""
    for family in metrics.registry.collect():
        assert re.fullmatch(r"hats_[a-z][a-z0-9_]*", family.name)
        assert family.documentation.endswith(".")
        assert not family.name.endswith(NOT_BASE), family.name
        if family.name != "hats_build":
            assert {label for sample in family.samples for label in sample.labels} <= BOUNDED, family.name


def test_two_registries_do_not_meet() -> None:
    """Metrics belong to their object; a second one starts empty."""
    first, second = Metrics(), Metrics()
    first.equity.set(5)
    assert math.isnan(second.registry.get_sample_value("hats_equity_usd") or 0.0)


def test_totals_count_what_came_since() -> None:
    """A running total kept elsewhere becomes a counter; a restart from 0 does not take it back."""
    metrics = Metrics()
    total: Total = metrics.mailbox_conflated
    seen = []
    for value in (3.0, 3.0, 10.0, 2.0):
        total.raise_to(value, "ml_research_scientist")
        seen.append(metrics.registry.get_sample_value("hats_mailbox_conflated_total", {"hat": "ml_research_scientist"}))
    assert seen == [3, 3, 10, 12]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_only_loopback_is_served(metrics: Metrics, host: str) -> None:
    """Without a login, nothing but this machine may read equity."""
    with pytest.raises(ConfigError, match="loopback"):
        serve(metrics, host, 0)


def test_a_taken_port_is_told(metrics: Metrics) -> None:
    """A port that somebody else has is an error that names it."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
            serve(metrics, port=port)


def test_nothing_runs_after_stop(metrics: Metrics) -> None:
    """After stop the port is free again."""
    endpoint = serve(metrics, port=0)
    endpoint.stop()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", endpoint.port))
