"""What `popgan compare` prints of translators: every number, the pairs, what cannot be shown."""

from __future__ import annotations

from popgan.cli.compare_told import told
from popgan.evidence.compare.results import Budget, Comparison, TranslatorRow, TranslatorScore
from popgan.evidence.compare.translators import Side, translator_notes, translator_pairs


def comparison() -> Comparison:
    heads = [24.0, 22.5, 25.5, 23.1, 26.2, 24.8]
    sides = [
        Side(name, "FLAIR", {"psnr": [[v + gain * (i + 1) for i, v in enumerate(heads)]]})
        for name, gain in (("mustgan quick", 0.5), ("pix2pix quick", 0.0), ("cgan quick", -0.1))
    ]
    pairs = translator_pairs(sides)
    budget = Budget(
        asked="15m", images=25408, seconds=912.4, parameters=3_201_520, processor="", threads=2
    )
    scores = [
        TranslatorScore(metric=metric, region="brain", mean=mean, low=None, high=None, n=6)
        for metric, mean in (("psnr", 25.9), ("ssim", 0.8713), ("mae", 0.0412), ("mse", 0.00371))
    ]
    row = TranslatorRow(
        name="mustgan", recipe="mustgan", preset="quick", seed=0, sources=["T1w", "T1wCE"],
        target="FLAIR", weights="w", budget=budget, scores=scores,
        trivial="histogram matching of T1wCE", trivial_scores=scores[:1],
    )  # fmt: skip
    return Comparison(
        cohort="c", backbone={}, images=0, matched=0, reference_images=60, reference_subjects=6,
        train_images=300, train_subjects=30, models=[], groups=[], pairs=[], floor=None,
        mean_image=None, equal_budget=None, budget_sentence="", translators=[row],
        translator_pairs=pairs, translator_notes=translator_notes(pairs),
    )  # fmt: skip


def test_translators_alone_are_printed_with_their_pairs() -> None:
    lines = told(comparison())
    assert lines[0].startswith("TRANSLATORS: TRUE PAIRED NUMBERS")
    (own,) = [line for line in lines if line.startswith("mustgan  ")]
    cells = own.split()
    assert cells[-8:] == ["25.90", "0.871", "0.0412", "0.00371", "25,408", "912", "3.20", "M"]
    (trivial,) = [line for line in lines if "histogram matching of T1wCE" in line]
    assert "best trivial way" in trivial and trivial.count(" -") == 6
    (pair,) = [line for line in lines if line.startswith("mustgan quick - pix2pix quick")]
    assert pair.split()[5:8] == ["PSNR", "+1.75", "+0.83"] and pair.endswith("  tie")
    assert "0.094" in pair and "1.00  6" in pair
    text = " ".join(" ".join(lines).split())
    assert "with 6 patients and 3 pairs no difference can be shown" in text
    assert "numbers above" not in text  # there are none
    assert max(map(len, lines)) <= 110
