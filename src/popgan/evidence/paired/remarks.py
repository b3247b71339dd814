"""What a paired evaluation has to say beside its numbers: notes, and warnings in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.paired.patients import LEAST, smallest_p
from popgan.evidence.paired.results import Comparison, MethodRow, PatientMean
from popgan.wording import counted

NORMALISATION = (
    "intensities 0 to 1 as prepared, once for each scan and alike for all methods; data range 1.0; "
    "nothing is scaled, clipped or rounded for a metric; the NRMSE is relative to the root mean "
    "square of the truth"
)
MANY = 10
"""Patients below which an interval is called wide."""
WORSE_IN_LESIONS = 1.5
"""Ratio of errors inside and outside lesions above which a warning is due."""
ROUGH, SMOOTH, BLURRED = 1.25, 0.8, 0.7
_ALPHA = 0.05


def notes(n_patients: int, n_lesions: int | None, comparisons: Sequence[Comparison]) -> list[str]:
    """How the numbers were made, as far as a reader must know.

    Args:
        n_patients: test patients. n_lesions: those with a lesion; None if no masks exist.
        comparisons: of the model.
    """
    found = [
        "The brain is where any true contrast is brighter than air, with its dark places filled; "
        "of heads with skull it is the whole head. No method has a say in it.",
        "The PSNR is that of the squared error pooled over a patient. Intervals and tests have the "
        "patient as their unit.",
    ]
    if n_lesions is None:
        found.append("There are no lesion masks, so errors in lesions were not measured.")
    elif n_lesions < n_patients:
        who = counted(n_lesions, "patient", "patients")
        found.append(
            f"Errors inside and outside lesions are of the {who} with a lesion in the slices."
        )
    tests = [c for c in comparisons if c.p is not None]
    if tests:
        best = min(1.0, len(tests) * smallest_p(max(c.difference.n for c in tests)))
        if best > _ALPHA:
            many = counted(len(tests), "comparison", "comparisons")
            found.append(
                f"With {n_patients} patients and {many} no p-value corrected after Holm can be "
                f"below {best:.2g}, so intervals of the differences say more than the tests."
            )
    return found


def warnings(rows: Sequence[MethodRow], n_patients: int, outside: float) -> list[str]:
    """What may mislead, each in one line.

    Args:
        rows: the model first.
        n_patients: test patients.
        outside: share of the model's intensities that lie outside of 0..1.
    """
    model = rows[0]
    return [
        *_few(n_patients),
        *_rivals(model, rows[1:]),
        *_lesions(model),
        *_texture(model),
        *_range(outside),
    ]


def _few(count: int) -> list[str]:
    if count >= MANY:
        return []
    patients = counted(count, "test patient", "test patients")
    if count < LEAST:
        return [f"{patients}: too few for any interval; the numbers are of these patients alone"]
    return [f"{patients}: intervals are wide, and other patients may fare otherwise"]


def _rivals(model: MethodRow, others: Sequence[MethodRow]) -> list[str]:
    """A baseline that is as good, or a source that the model is better off without."""
    own = model.score("psnr", "brain")
    if own is None:
        return []
    found = []
    for row in others:
        score = row.score("psnr", "brain")
        if score is None or score.mean < own.mean:
            continue
        numbers = f"PSNR in the brain {score.mean:.2f} dB, the model {own.mean:.2f} dB"
        if row.kind == "baseline":
            found.append(f"{row.name} is at least as good as the model: {numbers}")
        else:
            found.append(f"{row.name} is at least as good as with it: {numbers}")
    return found


def _lesions(model: MethodRow) -> list[str]:
    inside, outside = (model.score("mae", region) for region in ("lesion", "outside lesion"))
    ratios = _ratios(inside, outside)
    if not ratios:
        return []
    ratio = sum(ratios) / len(ratios)
    if ratio < WORSE_IN_LESIONS:
        return []
    return [
        f"the error inside lesions is {ratio:.1f} times that outside (mean of "
        f"{counted(len(ratios), 'patient', 'patients')}): lesions may be missing or made up"
    ]


def _ratios(inside: PatientMean | None, outside: PatientMean | None) -> list[float]:
    if inside is None or outside is None:
        return []
    pairs = zip(inside.patients, outside.patients, strict=True)
    return [a / b for a, b in pairs if a is not None and b]


def _texture(model: MethodRow) -> list[str]:
    found = []
    rough = model.score("roughness", "brain")
    if rough is not None and rough.mean > ROUGH:
        found.append(
            f"slices jump: the change from slice to slice is {rough.mean:.2f} times the truth's"
        )
    if rough is not None and rough.mean < SMOOTH:
        found.append(
            "slices are too much alike: the change from slice to slice is "
            f"{rough.mean:.2f} times the truth's"
        )
    sharp = model.score("sharpness", "brain")
    if sharp is not None and sharp.mean < BLURRED:
        found.append(
            f"images are blurred: the change from pixel to pixel is {sharp.mean:.2f} times the "
            "truth's, which PSNR and SSIM do not mind"
        )
    return found


def _range(outside: float) -> list[str]:
    if outside < 0.001:
        return []
    return [
        f"{outside:.1%} of the model's intensities lie outside 0 to 1; here they count as they "
        "are, though a file clips them"
    ]
