"""What a reader study amounts to, in sentences that claim no more than it shows.

A test that finds no difference is no evidence that there is none. So nothing here ever says
"indistinguishable": equivalence to guessing within the margin is shown, or it is not.
"""

from __future__ import annotations

from popgan.evidence.readers.answers import REAL
from popgan.evidence.readers.results import (
    Across,
    Agreement,
    Authenticity,
    Equivalence,
    ForcedChoice,
    Measure,
    ReaderStudyResult,
    ScoreDifference,
)
from popgan.wording import counted


def sentences(result: ReaderStudyResult) -> list[str]:
    """The findings, the primary one first: detection, scores, agreement."""
    found = [detection_sentence(result), realism_sentence(result), agreement_sentence(result)]
    return [text for text in found if text]


def detection_sentence(result: ReaderStudyResult) -> str:
    """Whether readers told synthetic from real, and what that amounts to; "" if not asked."""
    asked = primary(result)
    if asked is None:
        return ""
    across, equivalence = asked
    who = counted(across.readers, "reader", "readers")
    found = headline(across)
    if found.value is None:
        return f"{who}: {equivalence_words(equivalence)}"
    shown = share_words(found)
    task = (
        f"told synthetic from real images with a balanced accuracy of {shown}"
        if result.authenticity
        else f"chose the real one of two images in {shown} of trials"
    )
    alone = " This speaks for that reader alone." if across.readers == 1 else ""
    return f"{who} {task}; {equivalence_words(equivalence)}{alone}"


def headline(across: Across) -> Measure:
    """What a mean over readers says of readers in general; of a single one, of that one."""
    return across.any_readers if across.readers > 1 else across.these_readers


def model_sentence(result: ReaderStudyResult, model: str) -> str:
    """How well one of several models' images were recognised; "" where that is all of it."""
    parts: list[tuple[Across, Equivalence]] = [
        *(_asked(a.balanced, a) for a in result.authenticity if a.model == model),
        *(_asked(f.correct, f) for f in result.forced_choice if f.model == model),
    ]
    if not parts:
        return ""
    across, equivalence = parts[0]
    what = "balanced accuracy" if result.authenticity else "share of right choices"
    shown = share_words(headline(across))
    return (
        f"Images of {model} alone (exploratory): {what} {shown}; {equivalence_words(equivalence)}"
    )


def primary(result: ReaderStudyResult) -> tuple[Across, Equivalence] | None:
    """The mean over readers and its equivalence to chance: the primary outcome."""
    if result.authenticity:
        return _asked(result.authenticity[0].balanced, result.authenticity[0])
    if result.forced_choice:
        return _asked(result.forced_choice[0].correct, result.forced_choice[0])
    return None


def _asked(across: Across, part: Authenticity | ForcedChoice) -> tuple[Across, Equivalence]:
    """A mean with its equivalence: for readers in general, or for the only reader."""
    return across, part.equivalence_these if across.readers == 1 else part.equivalence


def equivalence_words(found: Equivalence) -> str:
    """The verdict of the two one-sided tests, as the end of a sentence."""
    within = f"within {100 * found.margin:g} points"
    if found.verdict == "equivalent":
        small = found.p_difference is not None and found.p_difference < 0.05
        also = ", although a small difference from it is visible" if small else ""
        return f"equivalence to guessing {within} is shown ({_p(found.p_equivalence)}){also}."
    if found.verdict == "different":
        better = found.value is not None and found.value > found.chance
        side = "better than guessing" if better else "worse than guessing"
        return f"that is {side} ({_p(found.p_difference)}), and equivalence {within} is not shown."
    if found.verdict == "not shown":
        return (
            f"neither equivalence to guessing {within} nor a difference from it is shown: more "
            "readers or images are needed to tell."
        )
    return f"equivalence to guessing cannot be judged ({found.reason or 'too few answers'})."


def realism_sentence(result: ReaderStudyResult) -> str:
    """How real and each model's images were scored for overall realism; "" if not asked."""
    means = {s.source: s.mean for s in result.scores if s.criterion == "realism"}
    real = means.get(REAL)
    if real is None or real.value is None:
        return ""
    parts = [
        f"{model} {mean.value:.2f}{_gap(_difference(result, model))}"
        for model, mean in means.items()
        if model != REAL and mean.value is not None
    ]
    return f"Overall realism, 1 to 5: {'; '.join([f'real images {real.value:.2f}', *parts])}."


def agreement_sentence(result: ReaderStudyResult) -> str:
    """How far readers agreed on realism, or on authenticity; "" where it was not measured."""
    by_name = {agreement.criterion: agreement for agreement in result.agreement}
    found: Agreement | None = by_name.get("realism") or by_name.get("authenticity")
    if found is None:
        return ""
    if found.icc_single is not None and found.icc_single.value is not None:
        value, name = found.icc_single, "ICC(2,1)"
    else:
        value, name = found.krippendorff, "Krippendorff's alpha"
    if value.value is None:
        return ""
    span = f" (95% interval {value.low:.2f} to {value.high:.2f})" if value.low is not None else ""
    return f"Agreement between readers on {found.criterion}: {name} {value.value:.2f}{span}."


def share_words(measure: Measure) -> str:
    """ "61% (95% interval 55 to 67%)"."""
    if measure.value is None:
        return "an unknown share"
    text = f"{100 * measure.value:.0f}%"
    if measure.low is None or measure.high is None:
        return text
    return f"{text} (95% interval {100 * measure.low:.0f} to {100 * measure.high:.0f}%)"


def _difference(result: ReaderStudyResult, model: str) -> ScoreDifference | None:
    found = (d for d in result.differences if (d.criterion, d.model) == ("realism", model))
    return next(found, None)


def _gap(found: ScoreDifference | None) -> str:
    if found is None or found.difference.value is None:
        return ""
    # The sentence stands beside one on other readers, so it says of whom it speaks.
    general = found.any_readers.low is not None
    value, who = (found.any_readers, "other") if general else (found.difference, "these")
    span = ""
    if value.low is not None:
        span = f", 95% interval for {who} readers {value.low:+.2f} to {value.high:+.2f}"
    return f" (real minus {found.model} {value.value:+.2f}{span})"


def _p(value: float | None) -> str:
    """A p-value as it is printed: "p = 0.012", "p < 0.001"."""
    if value is None:
        return "p unknown"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
