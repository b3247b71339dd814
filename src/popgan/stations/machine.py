"""The machine that a plan was made on: kept beside the plan, and told in a few lines.

It stands beside the plan and not in it, because the same plan on another machine is the same plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from popgan import provenance
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.files import read_json, write_json
from popgan.planning.budget import trained
from popgan.planning.facts import MachineFacts
from popgan.stations.model import Model

FILE = "machine.json"
SPEEDS = "images_per_second"


def machine_record(facts: MachineFacts, plan: Plan, speeds: Sequence[float]) -> dict[str, Any]:
    """What is kept: facts of the machine, and the speed that was measured.

    Args:
        facts: of the machine.
        plan: that was made.
        speeds: images/s at each level; empty where none was measured.
    """
    measured = [round(speed, 2) for speed in trained(speeds, plan.train.level_shares)]
    return {**dataclasses.asdict(facts), SPEEDS: measured or None}


def save_machine(model: Model, record: Mapping[str, Any]) -> None:
    """Write the record beside the plan."""
    write_json(model.folder / FILE, dict(record))


def load_machine(model: Model) -> dict[str, Any]:
    """The record of the machine that a model was planned on; empty where there is none.

    Nothing depends on it but what is shown, so a damaged one counts as none.
    """
    try:
        found = read_json(model.folder / FILE)
        facts_of(found)
    except (UserError, TypeError, ValueError, KeyError):
        return {}
    return dict(found)


def facts_of(record: Mapping[str, Any]) -> MachineFacts:
    """The facts in a record.

    Raises:
        KeyError, TypeError: it has not got them.
    """
    names = [field.name for field in dataclasses.fields(MachineFacts)]
    return MachineFacts(**{name: record[name] for name in names})


def facts_behind(model: Model, plan: Plan) -> MachineFacts:
    """The machine of a plan that nothing is written down about: as far as the plan tells."""
    record = load_machine(model)
    if record:
        return facts_of(record)
    return MachineFacts(provenance.usable_cores(), "CPU", plan.train.precision == "bf16")


def machine_rows(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and words of what a record says; nothing of an empty one."""
    if not record:
        return []
    facts = facts_of(record)
    memory = f", {facts.memory_gib:.3g} GiB" if facts.memory_gib else ""
    gpu = "none"
    if facts.gpu:
        gpu = f"{facts.gpu}, {facts.gpu_memory_gib:.3g} GiB" if facts.gpu_memory_gib else facts.gpu
    rows = [
        ("processor", f"{facts.processor or facts.device}, {facts.cores} cores{memory}"),
        ("GPU", gpu),
        ("bfloat16", "fast" if facts.bf16 else "not faster than float32"),
    ]
    if speeds := record.get(SPEEDS):
        words = ", ".join(f"{speed:.3g}" for speed in speeds)
        rows.append(("speed", f"{words} images/s at the levels that are trained"))
    return rows
