"""Trains the tiny plan as one of several processes; started by test_processes.py."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
from engine import tiny_job

from plans import recipe_plan
from popgan.progress import Reporter
from popgan.training.job import Job
from popgan.training.loop import run
from popgan.training.processes import joined, processes_of_environment

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, changes, dies = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:] == ["dies"]
    mine = processes_of_environment()
    assert mine is not None
    with joined(mine):
        job, state = tiny_job(recipe_plan(changes.pop("recipe", "popgan"), **changes), folder)

        def batch(indices: object, draw: object = job.source.batch) -> torch.Tensor:
            if dies and mine.rank == 1 and state.images >= 32:
                os._exit(9)
            return draw(indices)  # type: ignore[operator]

        job.source.batch = batch  # type: ignore[method-assign]
        run(Job(**{**vars(job), "processes": mine}), state, Reporter())
    if not mine.leads:
        torch.save(state.generator.state_dict(), folder / "follower.pt")
