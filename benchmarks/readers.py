"""Whether the reader study's intervals hold what they promise, on simulated studies.

    python benchmarks/readers.py
    python benchmarks/readers.py --studies 1000 --only chance

Readers with known d', scores with a known shift and known agreement answer hundreds of studies of
each kind. An interval is counted as right where it holds the truth; a test as a false alarm where
what it says is not so. Results are kept in results/readers.json in chunks of studies: the same
command does only what is missing, and `--restart` does everything again.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from popgan import provenance
from popgan.evidence.readers.agreement import agreement
from popgan.evidence.readers.answers import REAL, Answers, Case
from popgan.evidence.readers.detection import authenticity
from popgan.evidence.readers.forced import forced_choice
from popgan.evidence.readers.friedman import comparison
from popgan.evidence.readers.likert import difference, summary
from popgan.evidence.readers.repeats import repeatability
from popgan.evidence.readers.results import Equivalence, Measure, Test
from popgan.evidence.readers.shares import wilson
from popgan.evidence.readers.simulate import ReaderModel, simulate, traits
from popgan.evidence.readers.tables import authenticity_table, says_synthetic, score_table
from popgan.files import read_json, write_json, write_text
from readers_truth import (
    CRITERION,
    cases_of,
    d_prime_of,
    d_prime_of_choice,
    icc_single,
    of_any_readers,
    of_readers,
)
from readers_truth import agreement as true_agreement

HERE = Path(__file__).resolve().parent
CHUNK = 50
MARGIN = 0.1
SAME_READERS = 5  # seed of the readers who judge all studies of `planned`

Tally = Counter[str]


@dataclass(frozen=True)
class Scene:
    """One kind of study.

    Attributes:
        about: in words.
        model: of the readers.
        readers: how many.
        real, synthetic: images; `per_patient` real ones of each patient.
        repeats: of each reader.
        same_readers: whether the same readers judge all studies.
        pairs: whether it is forced choice.
    """

    about: str
    model: ReaderModel
    readers: int
    real: int
    synthetic: Mapping[str, int]
    per_patient: int = 1
    repeats: int = 0
    same_readers: bool = False
    pairs: bool = False


def scenes() -> dict[str, Scene]:
    """The kinds of studies."""
    usual = ReaderModel(shift={"a": -0.5}, patient=0.1, image=0.3, view=0.3)
    edge = replace(usual, d_prime=d_prime_of(0.5 + MARGIN, usual))
    null = replace(usual, d_prime=0.0, d_prime_sd=0.0, shift={})
    alike = replace(usual, shift={}, patient=0.2, image=0.2)
    clustered = replace(alike, d_prime=d_prime_of(0.5 + MARGIN, alike))
    return {
        "planned": Scene(
            "5 readers, the same in all studies; 120 real images, one a patient, 120 synthetic; "
            "30 repeats",
            replace(usual, d_prime=0.6),
            5,
            120,
            {"a": 120},
            repeats=30,
            same_readers=True,
        ),
        "edge": Scene(
            "5 other readers in every study, whose mean balanced accuracy is 0.6, the margin; "
            "120 + 120 images",
            edge,
            5,
            120,
            {"a": 120},
        ),
        "chance": Scene(
            "5 other readers in every study, all at chance, no source scored differently; "
            "120 real images, 60 of each of two models",
            null,
            5,
            120,
            {"a": 60, "b": 60},
        ),
        "patients": Scene(
            "3 other readers in every study at the margin; 8 patients with 6 images each, 60 "
            "synthetic; scores alike",
            clustered,
            3,
            48,
            {"a": 60},
            per_patient=6,
        ),
        "choice": Scene(
            "forced choice: 5 other readers in every study who are right in 0.6 of 150 pairs",
            replace(usual, d_prime=d_prime_of_choice(0.5 + MARGIN, usual)),
            5,
            150,
            {"a": 150},
            pairs=True,
        ),
    }


def truth_of(scene: Scene) -> dict[str, float]:
    """True numbers, for these readers and (any: ...) for readers in general."""
    if scene.pairs:
        d = scene.model.detects("a")
        return {"any: proportion correct": 0.5 + MARGIN, "any: left": 0.5, "any: d'": d}
    # The same readers in all studies are no sample of readers in general.
    general = {} if scene.same_readers else of_any_readers(scene.model)
    found = {f"any: {name}": value for name, value in general.items()}
    if scene.same_readers:
        names = aliases(scene)
        own = [traits(scene.model, name, SAME_READERS) for name in names]
        found |= of_readers(scene.model, own)
        first = of_readers(scene.model, own[:1])
        found |= {f"R1: {name}": value for name, value in first.items()}
        found |= true_agreement(scene.model, names, SAME_READERS)
    else:
        found["any: ICC(2,1)"] = icc_single(scene.model, per_patient=scene.per_patient)
    return found


def aliases(scene: Scene) -> list[str]:
    """R1, R2, ..."""
    return [f"R{i + 1}" for i in range(scene.readers)]


def draw(scene: Scene, seed: int) -> Answers:
    """One simulated study."""
    cases = cases_of(scene.real, scene.synthetic, scene.per_patient)
    names = aliases(scene)
    options: dict[str, Any] = {"readers": names, "seed": seed}
    if scene.pairs:
        real = [case.name for case in cases if case.is_real]
        other = [case.name for case in cases if not case.is_real]
        pairs = [
            (a, b) if i % 2 else (b, a) for i, (a, b) in enumerate(zip(real, other, strict=True))
        ]
        options |= {"kind": "2afc", "pairs": dict.fromkeys(names, pairs)}
    if scene.repeats:
        options["repeats"] = {name: repeated(cases, i, scene) for i, name in enumerate(names)}
    if scene.same_readers:
        options["reader_seed"] = SAME_READERS
    return simulate(cases, scene.model, **options)


def repeated(cases: list[Case], number: int, scene: Scene) -> list[str]:
    """Cases that a reader sees again: evenly over sources, others for every reader."""
    step = len(cases) / scene.repeats
    return [cases[int(i * step + number) % len(cases)].name for i in range(scene.repeats)]


def study(scene: Scene, truth: Mapping[str, float], seed: int, replicates: int) -> Tally:
    """What one study got right; `NAME` counts studies and `NAME +` those that were right."""
    answers = draw(scene, seed)
    tally: Tally = Counter()
    options: dict[str, Any] = {"seed": seed, "replicates": replicates}

    def holds(name: str, measure: Measure, known: str | None = None) -> None:
        target = truth.get(known or name)
        if target is None:
            return
        right = measure.low is not None and measure.low <= target <= (measure.high or math.inf)
        # An upper end of exactly 0 is no missing one.
        right |= measure.high == 0 and measure.low is not None and measure.low <= target <= 0
        tally[f"covers {name}"] += 1
        tally[f"covers {name} +"] += right

    if scene.pairs:
        found = forced_choice(answers, None, margin=MARGIN, **options)
        assert found is not None
        holds("any: proportion correct", found.correct.any_readers)
        holds("any: d', forced choice", found.d_prime, "any: d'")
        holds("any: left", found.left)
        holds(
            "plain percentile: proportion correct",
            found.correct.resampled,
            "any: proportion correct",
        )
        alarm(tally, "equivalence at the margin", found.equivalence)
        return tally
    _judgements(answers, scene, holds, tally, options)
    _scores(answers, scene, holds, tally, options)
    return tally


def _judgements(
    answers: Answers, scene: Scene, holds: Any, tally: Tally, options: dict[str, Any]
) -> None:
    judged = authenticity_table(answers)
    found = authenticity(judged, None, margin=MARGIN, **options)
    assert found is not None
    holds("any: balanced accuracy", found.balanced.any_readers)
    holds("any: AUC", found.auc.any_readers)
    holds("any: d'", found.pooled.d_prime)
    holds("any: criterion", found.pooled.criterion)
    name = "balanced accuracy"
    holds(f"plain percentile: {name}", found.balanced.resampled, f"any: {name}")
    if scene.same_readers:
        holds(name, found.balanced.these_readers)
        holds("AUC", found.auc.these_readers)
        one = found.readers[0]
        for part, measure in (
            ("sensitivity", one.sensitivity),
            ("specificity", one.specificity),
            (name, one.balanced),
            ("d'", one.d_prime),
            ("criterion", one.criterion),
            ("AUC", one.auc),
        ):
            holds(f"R1: {part}", measure)
        agreed = agreement(says_synthetic(judged), "authenticity", 2, **options)
        holds("alpha, nominal", agreed.krippendorff)
        return
    if scene.model.detects("a") == 0:
        tally["difference from chance where there is none"] += 1
        p = found.equivalence.p_difference
        tally["difference from chance where there is none +"] += p is not None and p < 0.05
        tally["equivalence shown where readers are at chance (power)"] += 1
        tally["equivalence shown where readers are at chance (power) +"] += (
            found.equivalence.verdict == "equivalent"
        )
    else:
        alarm(tally, "equivalence at the margin", found.equivalence)


def _scores(
    answers: Answers, scene: Scene, holds: Any, tally: Tally, options: dict[str, Any]
) -> None:
    table = score_table(answers, CRITERION)
    gap = difference(table, CRITERION, "a", **options)
    holds("odds ratio" if scene.same_readers else "any: odds ratio", gap.odds_ratio)
    holds("any: difference of scores", gap.any_readers)
    if not scene.model.shift:
        reject(tally, "odds ratio where scores are alike", gap.test)
    agreed = agreement(table, CRITERION, 5, **options)
    assert agreed.icc_single is not None and agreed.icc_mean is not None
    holds("any: ICC(2,1)", agreed.icc_single)
    if len(scene.synthetic) > 1:
        friedman = comparison(table, CRITERION, sorted(scene.synthetic), seed=options["seed"])
        reject(tally, "Friedman where models are alike", friedman.test)
    if not scene.same_readers:
        return
    holds("difference of scores", gap.difference)
    holds("mean score, real", summary(table, CRITERION, REAL, **options).mean)
    holds("ICC(3,k)", agreed.icc_mean)
    holds("weighted kappa, mean", agreed.weighted_kappa)
    holds("weighted kappa, a pair", agreed.pairs[0].kappa)
    holds("Fleiss' kappa", agreed.fleiss)
    holds("alpha, ordinal", agreed.krippendorff)
    again = repeatability(table, score_table(answers, CRITERION, repeat=1), CRITERION, 5, **options)
    for who, one in (("pooled", again[0]), ("a reader", again[1])):
        holds(f"repeats, exact, {who}", one.exact)
        holds(f"repeats, kappa, {who}", one.kappa)


def alarm(tally: Tally, name: str, found: Equivalence) -> None:
    """Count a claim of equivalence."""
    tally[f"false {name}"] += 1
    tally[f"false {name} +"] += found.verdict == "equivalent"


def reject(tally: Tally, name: str, test: Test) -> None:
    """Count a significant test."""
    tally[f"false {name}"] += 1
    tally[f"false {name} +"] += test.p is not None and test.p < 0.05


def chunk(name: str, number: int, truth: Mapping[str, float], replicates: int) -> dict[str, int]:
    """The tally of one chunk of studies."""
    scene = scenes()[name]
    total: Tally = Counter()
    for i in range(CHUNK):
        total.update(study(scene, truth, 1_000_000 + number * CHUNK + i, replicates))
    return dict(sorted(total.items()))


def table(known: dict[str, Any]) -> str:
    """The results for people."""
    lines = ["# The statistics of the reader study on simulated studies", ""]
    lines += [
        f"Each interval is meant to hold the truth in 95 % of studies, each test to raise a false "
        f"alarm in at most 5 %. {known['settings']['replicates']} bootstrap replicates a study; "
        "in brackets the 95 % interval that the number of simulated studies leaves. `any`: for "
        "readers in general; R1: one reader; else for these readers.",
        "",
    ]
    for name, scene in scenes().items():
        cell = known["cells"].get(name)
        if not cell:
            continue
        total: Tally = Counter()
        for part in cell["chunks"].values():
            total.update(part)
        studies = CHUNK * len(cell["chunks"])
        lines += [f"## {name}", "", f"{scene.about}. {studies} studies.", ""]
        lines += ["| what | truth | share of studies |", "| --- | --- | --- |"]
        for key in sorted(key for key in total if not key.endswith(" +")):
            right, n = total[f"{key} +"], total[key]
            low, high = wilson(right / n, n)
            what = key.removeprefix("covers ").replace("plain percentile", "any")
            true = cell["truth"].get(what.removesuffix(", forced choice"))
            shown = "" if true is None else f"{true:.3f}"
            lines.append(f"| {key} | {shown} | {right / n:.3f} ({low:.3f} to {high:.3f}) |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Do what is missing and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--only", nargs="*", default=list(scenes()))
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=HERE / "results" / "readers")
    options = parser.parse_args()
    path = options.output.with_suffix(".json")
    settings = {"replicates": options.replicates, "chunk": CHUNK, "margin": MARGIN}
    known = read_json(path) if path.exists() and not options.restart else {}
    if known.get("settings") != settings:
        known = {"settings": settings, "cells": {}}
    for name in options.only:
        cell = known["cells"].setdefault(name, {"truth": truth_of(scenes()[name]), "chunks": {}})
        for number in range(math.ceil(options.studies / CHUNK)):
            if str(number) in cell["chunks"]:
                continue
            start = time.process_time()
            cell["chunks"][str(number)] = chunk(name, number, cell["truth"], options.replicates)
            print(f"{name} {number}: {time.process_time() - start:.1f} s of a core", flush=True)
            known["record"] = provenance.record()
            write_json(path, known)
    write_text(options.output.with_suffix(".md"), table(known))


if __name__ == "__main__":
    main()
