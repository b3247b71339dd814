"""A reader study of a few tiny stimuli, made without scans, weights or `create`, for tests."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from popgan.files import owners_folder, write_json, write_text
from popgan.study.preregistration import Hashes, as_markdown, as_record, commitment, stimuli_hash
from popgan.study.schema import Block, Design, Key, Places, ReaderPlan, Stimulus, Study, Trial

SIZE = (16, 16)
SECRET = "5e" * 32
TEXTS = "title: Reader study\n"


def make_study(
    run: Path,
    *,
    readers: int = 2,
    real: int = 3,
    synthetic: int = 3,
    repeats: int = 1,
    practice: int = 2,
    kind: str = "likert+authenticity",
    size: tuple[int, int] = SIZE,
    **changes: Any,
) -> Study:
    """Write a study into a run folder and open it; `changes` are values of the design."""
    places = Places(run)
    rng = np.random.default_rng(len(run.name) + 7)
    places.shared.mkdir(parents=True)
    owners_folder(run / "private")
    owners_folder(places.private)
    owners_folder(places.stimuli)
    stimuli = _stimuli(rng, real, synthetic, practice)
    for stimulus in stimuli:
        levels = rng.integers(0, 2**16, size, dtype=np.uint16)
        (places.stimuli / stimulus.file).write_bytes(png16(levels))
        (places.stimuli / stimulus.file).chmod(0o600)
    values: dict[str, Any] = {
        "title": "Are they real?",
        "kind": kind,
        "readers": readers,
        "real": real,
        "synthetic": {"popgan": synthetic},
        "patients": real,
        "per_patient": 1,
        "design_effect": 1.0,
        "repeats": repeats,
        "practice": practice,
        "contrast": "T1w",
        "size": size,
        "spacing": (2.0, 2.0),
        "models": {"popgan": "0" * 64},
        "cohort": "1" * 64,
        "generators": 3,
        "seed": 0,
        "masked": True,
        "created": "2026-01-01T00:00:00+00:00",
    }
    design = Design.model_validate(values | changes)
    plans = [_plan(rng, f"R{n + 1}", design, stimuli) for n in range(readers)]
    key = Key(design=design.hash(), stimuli=stimuli, readers=plans)
    write_json(places.design, design.model_dump(mode="json"))
    write_json(places.key, key.model_dump(mode="json"), mode=0o600)
    write_text(places.instructions, "# Instructions\n\nLook at each image.\n")
    write_text(places.consent, "# Consent\n\nI agree.\n")
    write_text(places.texts, TEXTS)
    study = Study.open(run)
    register(study)
    return study


def register(study: Study) -> None:
    """Write what `create` writes beside the design: the preregistration and the secret."""
    places = study.places
    write_json(places.private / "secret.json", {"version": 1, "secret": SECRET}, mode=0o600)
    images = {path.name: path.read_bytes() for path in places.stimuli.iterdir()}
    key = commitment(SECRET, places.key.read_bytes())
    hashes = Hashes(study.design.hash(), key, stimuli_hash(images))
    write_text(places.preregistration, as_markdown(study.design, hashes))
    record = as_record(study.design, hashes)
    write_json(places.preregistration.with_suffix(".json"), record)


def png16(levels: np.ndarray) -> bytes:
    """A 16-bit greyscale PNG in one stored block: equal shapes give equal lengths."""
    rows, columns = levels.shape
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 16, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(raw, 0)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _stimuli(rng: np.random.Generator, real: int, synthetic: int, practice: int) -> list[Stimulus]:
    wanted = [(source, False) for source in ["real"] * real + ["popgan"] * synthetic]
    wanted += [("real" if n % 2 == 0 else "popgan", True) for n in range(practice)]
    found = []
    for number, (source, practising) in enumerate(wanted):
        case = _hex(rng)
        cluster = f"sub-{number:02d}" if source == "real" else case
        found.append(
            Stimulus(
                case=case,
                source=source,
                cluster=cluster,
                file=f"{_hex(rng)}.png",
                row=number if source == "real" else None,
                seed=None if source == "real" else 1,
                index=None if source == "real" else number,
                practice=practising,
            )
        )
    return found


def _plan(
    rng: np.random.Generator, alias: str, design: Design, stimuli: list[Stimulus]
) -> ReaderPlan:
    shown = [stimulus for stimulus in stimuli if not stimulus.practice]
    practice = [stimulus for stimulus in stimuli if stimulus.practice]
    trials: dict[Block, list[Trial]] = {"practice": _trials(rng, design, practice, 0)}
    for block in design.blocks:
        trials[block] = _trials(rng, design, shown, design.repeats)
    return ReaderPlan(alias=alias, trials=trials)


def _trials(
    rng: np.random.Generator, design: Design, stimuli: list[Stimulus], repeats: int
) -> list[Trial]:
    """Pairs in two-alternative forced choice, else one case a trial; repeats at the end."""
    if design.kind == "2afc":
        real = [s.case for s in stimuli if s.source == "real"]
        made = [s.case for s in stimuli if s.source != "real"]
        shown = [
            [a, b] if n % 2 else [b, a]
            for n, (a, b) in enumerate(
                zip(rng.permutation(real), rng.permutation(made), strict=False)
            )
        ]
    else:
        shown = [[case] for case in rng.permutation([s.case for s in stimuli])]
    shown = [[str(case) for case in cases] for cases in shown]
    wanted = [(cases, 0) for cases in shown] + [(cases, 1) for cases in shown[:repeats]]
    return [
        Trial(id=_hex(rng), cases=cases, stimuli=[_hex(rng) for _ in cases], repeat=repeat)
        for cases, repeat in wanted
    ]


def _hex(rng: np.random.Generator) -> str:
    return rng.bytes(16).hex()
