"""deploy/grafana-dashboard.json and deploy/prometheus-rules.yml: what they ask for is what a running service tells."""

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from image_service.images.upkeep import runs
from tests.conftest import Service
from tests.deploy.files import ROOT
from tests.deploy.needs import program
from tests.processes import DEADLINE
from tests.scrape import Scrape
from tests.shop import added, path

RULES = ROOT / "deploy" / "prometheus-rules.yml"
TRIALS = ROOT / "tests" / "deploy" / "prometheus-rules.test.yml"
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
METRICS = (ROOT / "docs" / "metrics.md").read_text()
OF_PROMETHEUS = {"job", "instance"}  # labels of what is scraped: the same in a metric would be renamed

_SELECTOR = re.compile(r"(image_service_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def alarms() -> list[dict[str, Any]]:
    [group] = YAML(typ="safe").load(RULES)["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def dashboard_expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel.get("targets", [])]


@pytest.fixture
async def labels(service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> dict[str, set[str]]:
    """The labels of each series that the service exports, with everything counted at least once."""
    await anyone.get(path((await added(client))["src"]), headers={"Accept": "image/webp"})
    for job in (runs.SWEEP, runs.VERIFY, runs.VERIFY_SAMPLE):
        async with runs.recorded(service.database, job) as counts:
            counts["anything"] = 1
    found: dict[str, set[str]] = {}
    for family in Scrape((await anyone.get("/metrics")).text).families:
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


async def test_every_metric_and_label_is_exported(labels: dict[str, set[str]]) -> None:
    assert not OF_PROMETHEUS & set().union(*labels.values())
    expressions = dashboard_expressions() + [rule["expr"] for rule in alarms()]
    assert len(expressions) > 30
    for expression in expressions:
        named: set[str] = set()
        for metric, matchers in _SELECTOR.findall(expression):
            assert metric in labels, expression
            named |= labels[metric]
            assert {label for label, _, _ in _MATCHER.findall(matchers)} <= labels[metric] | OF_PROMETHEUS, expression
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            assert set(re.split(r",\s*", grouped)) <= named | OF_PROMETHEUS, expression


def test_every_value_of_a_label_is_documented() -> None:
    for expression in dashboard_expressions() + [rule["expr"] for rule in alarms()]:
        for _, matchers in _SELECTOR.findall(expression):
            for label, _, value in _MATCHER.findall(matchers):
                if label not in {"instance", "status"}:
                    rows = re.findall(rf"^\| (?:`\w+`'s )?`{label}` \| (.*) \|$", METRICS, re.MULTILINE)
                    documented = {word for row in rows for word in re.findall(r"`(\w+)`", row)}
                    assert set(value.split("|")) <= documented, expression


def test_what_the_guide_says_to_watch_is_what_raises_an_alarm() -> None:
    said = re.findall(r"^\| [^|]* \| `(.*)` \|$", METRICS.split("## What to watch")[1], re.MULTILINE)
    assert said
    assert set(said) <= {rule["expr"] for rule in alarms()}


def test_the_rules_by_promtool() -> None:
    """Their form, and tests/deploy/prometheus-rules.test.yml: when each is raised, and when none."""
    promtool = program("promtool", "prometheus")
    for words in (["check", "rules", str(RULES)], ["test", "rules", str(TRIALS)]):
        done = subprocess.run([promtool, *words], check=False, capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 0, done.stdout + done.stderr
    assert {rule["alert"] for rule in alarms()} == set(re.findall(r'alertname="(\w+)"', TRIALS.read_text()))


def test_what_the_dashboard_asks_can_be_asked(tmp_path: Path) -> None:
    """By promtool, as rules that only note what they find."""
    asked = [each.replace("$__rate_interval", "5m").replace("$instance", ".*") for each in dashboard_expressions()]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(asked)]
    file = tmp_path / "rules.json"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    words = [program("promtool", "prometheus"), "check", "rules", str(file)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_is_documented_that_is_shown() -> None:
    """So that whoever wonders what a panel shows finds it."""
    for expression in dashboard_expressions():
        for metric, _ in _SELECTOR.findall(expression):
            assert f"`{metric.removesuffix('_bucket')}`" in METRICS


def test_the_dashboard_has_grafanas_shape() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert (DASHBOARD["title"], DASHBOARD["uid"]) == ("image-service", "image-service")
    assert "id" not in DASHBOARD  # of one Grafana's database
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["type"] in {"stat", "timeseries"}
            assert panel["description"]
            assert panel["fieldConfig"]["defaults"]["unit"]
            targets = panel["targets"]
            assert [each["refId"] for each in targets] == list("ABCDEFG"[: len(targets)])
            for source in [panel["datasource"], *(each["datasource"] for each in targets)]:
                assert source == {"type": "prometheus", "uid": "${datasource}"}


def test_no_panel_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    for place in places:
        assert min(place["x"], place["y"]) >= 0 < min(place["w"], place["h"])
        assert place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
