"""One sentence and one level out of paired measurements: is the model worth more than trivial ways?

The PSNR in the brain decides, patient by patient, because every trivial way is measured on the same
patients. With the 95 % interval of (model - baseline) over patients:

    better than every baseline   the interval lies above 0 against each of them
    worse than a baseline        it lies below 0 against at least one
    tied with a baseline         otherwise
    not measurable               there is no interval: fewer than three test patients

No correction for many comparisons is needed for "every": the claim stands only if each single one
does (an intersection-union test, Berger 1982). The level speaks of intensities only; it does not
say that a lesion is there, or that it is not.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from popgan.evidence.paired.results import Comparison, PairedResult, PatientMean, Uncertainty
from popgan.wording import counted

PairedLevel = Literal[
    "better than every baseline",
    "tied with a baseline",
    "worse than a baseline",
    "not measurable",
]


class PairedVerdict(BaseModel):
    """A level and why, in one paragraph of plain words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: PairedLevel
    sentence: str


def paired_verdict(result: PairedResult) -> PairedVerdict:
    """Judge a translator by its PSNR in the brain; see the top of this file for the rule."""
    value = result.rows[0].score("psnr", "brain")
    what = f"{result.target} from {' and '.join(result.sources)}"
    rivals = _rivals(result)
    if value is None or not rivals:
        text = f"{what} cannot be judged: it was not compared with any trivial way."
        return PairedVerdict(level="not measurable", sentence=text)
    numbers = f"{what}: PSNR in the brain {_with_interval(value)}"
    patients = counted(value.n, "test patient", "test patients")
    nearest = min(rivals, key=lambda rival: rival.difference.mean)
    if any(rival.difference.low is None for rival in rivals):
        text = (
            f"{numbers} of {patients}, {_gap(nearest)}; {patients} are too few to judge whether "
            "that is chance, three or more are needed."
        )
        return PairedVerdict(level="not measurable", sentence=text)
    level, finding = _finding(rivals, nearest)
    text = f"{numbers} over {patients}, {finding}"
    return PairedVerdict(level=level, sentence=text + _cautions(result))


def _rivals(result: PairedResult) -> list[Comparison]:
    """PSNR in the brain against each trivial way."""
    trivial = {row.name for row in result.rows if row.kind == "baseline"}
    return [
        found
        for found in result.comparisons
        if found.against in trivial and (found.metric, found.region) == ("psnr", "brain")
    ]


def _finding(rivals: list[Comparison], nearest: Comparison) -> tuple[PairedLevel, str]:
    worse = [rival for rival in rivals if (rival.difference.high or 0.0) < 0]
    open_ = [rival for rival in rivals if (rival.difference.low or 0.0) <= 0]
    if worse:
        return "worse than a baseline", (
            f"{_gap(nearest)}: a trivial way comes nearer to the true images than this model."
        )
    if open_:
        names = _listed([rival.against for rival in open_])
        return "tied with a baseline", (
            f"not shown to be nearer to the true images than {names}: {_gap(nearest)}, which may "
            "be chance."
        )
    ways = counted(len(rivals), "trivial way", "trivial ways")
    return "better than every baseline", (
        f"nearer to the true images than each of {ways}; {_gap(nearest)}, the best of them."
    )


def _gap(rival: Comparison) -> str:
    """ "1.9 dB above copy of T1w (1.2 to 2.6)"."""
    mean, low, high = rival.difference.mean, rival.difference.low, rival.difference.high
    side = "above" if mean >= 0 else "below"
    text = f"{abs(mean):.2f} dB {side} {rival.against}"
    if low is None or high is None:
        return text
    return f"{text} (95 % CI {low:.2f} to {high:.2f})"


def _cautions(result: PairedResult) -> str:
    """What the level does not say: lesions, and intervals that are too narrow."""
    text = ""
    model = result.rows[0]
    inside, outside = model.score("mae", "lesion"), model.score("mae", "outside lesion")
    if inside is not None and outside is not None and inside.n and outside.n:
        text += (
            f" The mean error is {inside.mean:.3f} inside lesions and {outside.mean:.3f} outside "
            f"({counted(inside.n, 'patient', 'patients')})."
        )
    if result.uncertainty is not None:
        text += _narrow(result.uncertainty)
    return text + " None of this shows that lesions are neither missed nor invented."


def _narrow(found: Uncertainty) -> str:
    """A sentence where intervals surely hold less than was meant."""
    regions = (("in the brain", found.coverage), ("within lesions", found.coverage_lesion))
    held = [
        f"{share.mean:.0%} {where}"
        for where, share in regions
        if share is not None and share.high is not None and share.high < found.level
    ]
    if not held:
        return ""
    return (
        f" Its intervals are too narrow: meant to hold {found.level:.0%} of the true intensities, "
        f"they hold {_listed(held)}."
    )


def _with_interval(value: PatientMean) -> str:
    if value.low is None or value.high is None:
        return f"{value.mean:.2f} dB"
    return f"{value.mean:.2f} dB (95 % CI {value.low:.2f} to {value.high:.2f})"


def _listed(names: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
