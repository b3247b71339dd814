"""Studies laid out as `create` does, of noise instead of images, for tests of names and orders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from popgan.files import owners_folder, write_json, write_text
from popgan.study.build import _plan
from popgan.study.order import Secret
from popgan.study.png import encode_png
from popgan.study.schema import Design, Key, Places, Stimulus, Study
from study.small_studies import register


def plan_study(
    run: Path,
    *,
    number: int = 0,
    readers: int = 2,
    real: int = 12,
    synthetic: int = 12,
    per_patient: int = 1,
    repeats: int = 4,
    kind: str = "likert+authenticity",
    size: tuple[int, int] = (8, 8),
) -> Study:
    """Write a study with names and orders that follow from `number`, and open it."""
    secret = Secret(f"{number:064x}")
    design = a_design(
        kind=kind,
        readers=readers,
        real=real,
        synthetic={"a": synthetic - synthetic // 2, "b": synthetic // 2},
        repeats=repeats,
        size=size,
        seed=number,
    )
    stimuli = []
    for i in range(real + synthetic):
        case = secret.name(f"case/{i}")
        is_real = i < real
        source = "real" if is_real else "a" if i < real + design.synthetic["a"] else "b"
        cluster = f"sub-{i // per_patient}" if is_real else case
        file = secret.name(f"file/{i}") + ".png"
        stimuli.append(Stimulus(case=case, source=source, cluster=cluster, file=file))
    stimuli.sort(key=lambda stimulus: stimulus.case)
    plans = [_plan(f"R{i + 1}", design, stimuli, secret) for i in range(readers)]
    key = Key(design=design.hash(), stimuli=stimuli, readers=plans)
    places = Places(run)
    owners_folder(places.private)
    owners_folder(places.stimuli)
    rng = np.random.default_rng(number)
    for file in sorted(stimulus.file for stimulus in stimuli):
        path = places.stimuli / file
        path.write_bytes(encode_png(rng.integers(0, 2**16, size, dtype=np.uint16)))
        os.utime(path, (1_700_000_000, 1_700_000_000))
    write_json(places.design, design.model_dump(mode="json"))
    write_json(places.key, key.model_dump(mode="json"), mode=0o600)
    for path in (places.instructions, places.consent):
        write_text(path, "# Words\n")
    write_text(places.texts, "title: A study\n")
    study = Study(places, design, key)
    register(study)
    return study


def a_design(**changes: Any) -> Design:
    """A design of a few images."""
    values: dict[str, Any] = {
        "title": "A study",
        "kind": "likert+authenticity",
        "readers": 2,
        "real": 12,
        "synthetic": {"popgan": 12},
        "patients": 12,
        "per_patient": 1,
        "design_effect": 1.0,
        "repeats": 4,
        "practice": 0,
        "contrast": "T1w",
        "size": (8, 8),
        "spacing": (2.0, 2.0),
        "models": {"popgan": "0" * 64},
        "cohort": "1" * 64,
        "generators": 3,
        "seed": 0,
        "masked": True,
        "created": "2026-01-01T00:00:00+00:00",
    }
    return Design.model_validate(values | changes)


def sources(study: Study) -> dict[str, str]:
    """Case -> source."""
    return {stimulus.case: stimulus.source for stimulus in study.key.stimuli}
