"""Reads `/metrics` as Prometheus would."""

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    def __init__(self, text: str) -> None:
        self.families: list[Metric] = list(text_string_to_metric_families(text))

    def value(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name that have these labels; 0 if there are none."""
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == f"image_service_{name}" and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str, label: str) -> set[str]:
        return {
            sample.labels[label]
            for family in self.families
            for sample in family.samples
            if sample.name == f"image_service_{name}"
        }

    def described(self) -> Iterator[tuple[str, str, frozenset[str]]]:
        """Name, type and labels of each metric; of one without samples the labels are not known: none."""
        for family in self.families:
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels}
            yield name, family.type, frozenset(labels - {"le"})
