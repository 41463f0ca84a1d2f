"""Alerts and dashboard speak of metrics that exist and live, and promtool finds them sound."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from hats.low_latency_engineer.settings import Settings as LatencySettings
from orchestrator.gauges import Gauges
from orchestrator.rehearsal import rehearse
from orchestrator.scoring import TIMELINESS
from orchestrator.settings import Settings
from orchestrator.telling.cards import FAIR
from shared.ids import HATS
from shared.metrics import Metrics
from tests.unit.deploy.deployed import DEPLOY, alerts, json_of, queries, seconds, yaml_of

NAME: Final = re.compile(r"\bhats_[a-z0-9_]+")
REHEARSED_S: Final = 20
PROMTOOL: Final = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (Debian: apt-get install prometheus); its checks were not made"
)


def used() -> set[str]:
    """Every metric of ours that an alert or a panel names."""
    expressions = [rule["expr"] for rule in alerts().values()] + [query for _, query in queries()]
    return {name for expression in expressions for name in NAME.findall(expression)}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What promtool says of our files."""
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_every_metric_that_is_used_lives(tmp_path: Path) -> None:
    """After a short rehearsal each metric of the rules and the dashboard is exported with a value that was set."""
    metrics = Metrics()
    gauges = Gauges(metrics)
    rehearsal = rehearse(Settings(), tmp_path / "journal.sqlite", seed=7)
    rehearsal.heart.sequencer.on_said = gauges.said
    for _ in range(REHEARSED_S):
        rehearsal.run_for(1)
        now = rehearsal.stage.clock.now()
        gauges.beat(rehearsal.heart, now, dict.fromkeys(HATS, now))
    rehearsal.close()
    exported: dict[str, list[float]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            exported.setdefault(sample.name, []).append(sample.value)
    assert used() <= set(exported), used() - set(exported)
    unset = [name for name in used() if all(math.isnan(value) for value in exported[name])]
    unset += [name for name in used() if name.endswith(("_bucket", "_count")) and not any(exported[name])]
    assert not unset


def test_thresholds_follow_the_defaults() -> None:
    """Where an alert's threshold is said to come from the configuration, it does."""
    hats, rules = Settings().hats, alerts()
    latency: LatencySettings = hats.low_latency_engineer
    risk, feed = hats.risk_oversight_officer, hats.exchange_architect
    expected = {
        "Drawdown": f"> {risk.drawdown_limit_bps / 10_000 / 2:g}",
        "LettersWait": f"> {risk.data_age_limit_ms / 1_000:g}",
        "HatSlow": f"> {TIMELINESS.floor / 1_000:g}",
        "ScoreLow": f"< {FAIR:g}",
        "TickToWireSlow": f"> {latency.tick_to_wire_budget_us / 1e6:g}\n",
    }
    apart = {name: rules[name]["expr"] for name, text in expected.items() if text not in rules[name]["expr"] + "\n"}
    assert not apart
    assert rules["TickToWireSlow"]["expr"].rstrip().endswith(f">= {latency.min_samples}")
    assert seconds(rules["FeedDown"]["for"]) * 1_000 > feed.backoff_most_ms + feed.connect_ms


def test_prometheus_looks_where_the_desk_serves() -> None:
    """The only target is the default endpoint, and a desk counts as away after three scrapes in a row."""
    wanted, config = Settings().metrics, yaml_of("prometheus/prometheus.yml")
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"{wanted.host}:{wanted.port}"]}]
    assert f'job="{job["job_name"]}"' in alerts()["DeskUnreachable"]["expr"]
    assert seconds(alerts()["DeskUnreachable"]["for"]) == 3 * seconds(config["global"]["scrape_interval"])


def test_every_alert_is_tested_both_ways() -> None:
    """rules_test.yml has a firing and a quiet case of each alert, and each alert says how urgent it is."""
    cases = [case for test in yaml_of("prometheus/rules_test.yml")["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == set(alerts())
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == set(alerts())
    assert {rule["labels"]["severity"] for rule in alerts().values()} == {"page", "ticket"}


def test_the_dashboard_reads_the_provisioned_source() -> None:
    """Every panel names the data source that Grafana is given, has a title of its own and explains itself."""
    (source,) = yaml_of("grafana/datasource.yml")["datasources"]
    panels = json_of("grafana/hats.json")["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["description"] for panel in panels)


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")],
    ids=" ".join,
)
def test_promtool_agrees(arguments: tuple[str, str, str]) -> None:
    """Configuration and rules are sound, and every alert fires and keeps quiet as its cases say."""
    verb, what, name = arguments
    done = promtool(verb, what, str(DEPLOY / "prometheus" / name))
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_panels_ask_in_promql(tmp_path: Path) -> None:
    """Every query of the dashboard is valid PromQL."""
    rules = [
        {"record": f"panel_{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, (_, query) in enumerate(queries())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = promtool("check", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
