"""What is said before several processes begin to share a training."""

from __future__ import annotations

from plans import recipe_plan
from popgan.progress import Reporter
from popgan.stations.train import check_share
from popgan.training.processes import ALONE, Processes


class Heard(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def test_processes_that_gain_nothing_are_told() -> None:
    heard = Heard()
    for recipe in ("popgan", "stylegan2", "dcgan"):
        for processes in (ALONE, Processes(0, 2)):
            check_share(recipe_plan(recipe), processes, heard)
    (warning,) = heard.warnings
    assert warning.startswith("2 processes are no faster than one: recipe dcgan")
