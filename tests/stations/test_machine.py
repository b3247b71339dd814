"""The machine beside a plan: measured with and without a graphics card, told in a few lines."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from plans import make_plan
from popgan import provenance
from popgan.device import has_fast_bf16
from popgan.planning.facts import MachineFacts
from popgan.stations.machine import (
    facts_behind,
    facts_of,
    load_machine,
    machine_record,
    machine_rows,
    save_machine,
)
from popgan.stations.model import Model
from popgan.stations.plan import measure_machine

CARD = MachineFacts(8, "CUDA", True, "made-up", 64.0, "Card 9", 24.0)


def test_a_machine_without_a_card_is_measured_as_it_is() -> None:
    found = measure_machine()
    assert (found.cores, found.device, found.gpu) == (provenance.usable_cores(), "CPU", None)
    assert found.memory_gib == provenance.machine()["memory_gib"] == found.room_gib


def test_a_card_is_named_with_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(name="Card 9", total_memory=24 * 2**30)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda index: card)
    has_fast_bf16.cache_clear()
    found = measure_machine()
    has_fast_bf16.cache_clear()
    assert (found.device, found.gpu, found.gpu_memory_gib) == ("CUDA", "Card 9", 24.0)
    assert found.bf16 and found.room_gib == 24.0
    assert found.named == "GPU (Card 9)"


def test_what_is_kept_is_read_back_and_told(tmp_path: Path) -> None:
    model, plan = Model(tmp_path, "popgan"), make_plan()
    assert load_machine(model) == {} and machine_rows({}) == []
    # Of levels that are not trained no speed was measured.
    some = plan.model_copy(
        update={"train": plan.train.model_copy(update={"level_shares": [0.0, 0.0, 0.4, 0.6]})}
    )
    save_machine(model, machine_record(CARD, some, [1.0, 1.0, 300.0, 80.5]))
    record = load_machine(model)
    assert facts_of(record) == CARD == facts_behind(model, plan)
    rows = dict(machine_rows(record))
    assert rows == {
        "processor": "made-up, 8 cores, 64 GiB",
        "GPU": "Card 9, 24 GiB",
        "bfloat16": "fast",
        "speed": "300, 80.5 images/s at the levels that are trained",
    }
    bare = machine_record(MachineFacts(2, "CPU", False), plan, [])
    assert dict(machine_rows(bare)) == {
        **{"processor": "CPU, 2 cores", "GPU": "none", "bfloat16": "not faster than float32"},
    }


@pytest.mark.parametrize("text", ["{", "[]", "{}", "null", '{"cores": 2}'])
def test_a_damaged_record_counts_as_none(text: str, tmp_path: Path) -> None:
    model = Model(tmp_path, "popgan")
    model.folder.mkdir(parents=True)
    (model.folder / "machine.json").write_text(text)
    assert load_machine(model) == {}
    assert facts_behind(model, make_plan(bf16=False)).bf16 is False
