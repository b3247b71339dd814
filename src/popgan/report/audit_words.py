"""The words of the privacy annex: what was asked, how, and what it cannot show, for lay readers.

Everything here is said to somebody who has never met a membership attack: a data-protection
officer who has to decide, with this section alone, whether a data set may leave the house.
"""

from __future__ import annotations

from popgan.evidence.privacy.results import AttackName, CopyMeasureName, Level
from popgan.evidence.readers.results import Measure
from popgan.report.reader_words import with_interval
from popgan.report.words import PERCENT, number

LEVELS: dict[Level, tuple[str, str]] = {
    "passed": ("good", "Privacy-tested: passed"),
    "failed": ("poor", "Privacy audit failed"),
    "too few subjects to test": ("unknown", "Not tested: too few subjects"),
    "no power": ("unknown", "Not tested: the audit has no power"),
}
"""Level -> (CSS class, headline). Only what was tested is green."""

MEASURES: dict[CopyMeasureName, str] = {
    "correlation": "Pixels, after alignment (correlation)",
    "ssim": "Structure, after alignment (SSIM)",
    "embedding": "Features of a network",
}

ATTACKS: dict[AttackName, str] = {
    "GAN-Leaks": "Distance from the patient's image to the nearest released one.",
    "calibrated GAN-Leaks": "The same, less the distance that images of strangers have.",
    "Monte-Carlo": "Number of released images within a small distance of the patient's image.",
    "DOMIAS": "How much denser released images lie about the patient's image than those of other "
    "patients do.",
    "inversion": "How well the generator itself can be made to draw the patient's image.",
}

QUESTIONS = {
    "images": (
        "Is any released image a copy of a training image, shifted, mirrored, turned or made "
        "noisier?",
        "Do released images lie nearer to patients the model was trained on than to patients it "
        "has never seen?",
        "Somebody has the released images and a scan of one person. Can they tell whether that "
        "person was among the training patients?",
    ),
    "generator": (
        "The same, where the model itself is handed over: can it be made to draw the scan of a "
        "training patient better than that of a stranger?",
    ),
}
POWER_QUESTION = "And would the audit notice? Copies are planted on purpose, and must be found."
MEMORY_QUESTION = "Would it notice a model that memorises? One is made to, and must be found out."

CANNOT = (
    "That the images are anonymous. Whether they are is a legal question, answered for a purpose, "
    "a recipient and a time; these tests are one part of the answer.",
    "That no better attack exists. The ones used here are published ones; others may find more.",
    "Anything about attackers who hold more than was assumed: training images by the hundred, the "
    "discriminator, or repeated releases from one cohort.",
    "Anything about attributes: what can be guessed about a person who is known to be in the "
    "cohort was not tested.",
    "Anything about other weights, other images or other patients: an audit is about what it "
    "names, and ends with it.",
)

HOW_AUC = (
    "0.5 is guessing, 1 is certain recognition. The attack passes only if its whole interval lies "
    "below 0.60. Grey bar: the same attack on training patients against other training patients, "
    "where there is nothing to find; an attack beyond it recognises patients."
)
HOW_PLANTED = (
    "Share of copies, planted on purpose, that the search found and named the right patient of. "
    f"Below 95{PERCENT} over all copies the audit has no power, and nothing can pass. Blends of "
    "two patients are no copies and do not count."
)
HOW_COPIES = (
    "An image is flagged if it is nearer to a training image than images of strangers ever are. A "
    "few flags are expected by chance; the bound says how common copies can be at most, and above "
    f"1{PERCENT} nothing passes."
)


def measured(measure: Measure) -> str:
    """ "0.53 (0.49 to 0.58)", or the number and why it has no interval."""
    if measure.value is None or measure.low is not None:
        return with_interval(measure)
    why = f": {measure.reason}" if measure.reason else ""
    return f"{with_interval(measure)} (no interval{why})"


def bounded(measure: Measure, *, upper: bool) -> str:
    """ "3 of 1000 (at most 0.77 %)" or "0.30 % (0.06 to 0.87 %)": a rate with its interval."""
    if measure.value is None:
        return "–"
    if upper and measure.high is not None:
        hits = round(measure.value * measure.n)
        return f"{number(hits)} of {number(measure.n)} (at most {share(measure.high)})"
    text = share(measure.value)
    if measure.low is None or measure.high is None:
        why = f": {measure.reason}" if measure.reason else ""
        return f"{text} (no interval{why})"
    return f"{text} ({share(measure.low)} to {share(measure.high)})"


def share(value: float) -> str:
    """A share in percent with as many digits as small rates need: 0.0006 is "0.060 %"."""
    percent = 100 * value
    if percent == 0 or percent >= 10:
        return f"{percent:.0f}{PERCENT}"
    return f"{percent:.{1 if percent >= 1 else 3 if percent < 0.1 else 2}f}{PERCENT}"


def p_value(p: float) -> str:
    """A p-value as it is printed: never 0, never with digits that say nothing."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_text(p: float) -> str:
    """The same in running text: "p < 0.001", "p = 0.04"."""
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"
