"""RELEASE.md: what a released set is, what was tested, what was not, what it may be used for."""

from __future__ import annotations

from textwrap import fill

from popgan._version import __version__
from popgan.config.schema import Plan
from popgan.evidence.privacy.results import Level, PrivacyAudit
from popgan.evidence.readers.results import Measure
from popgan.stations.audited import StoredAudit
from popgan.synthesis.drawn_for import DrawnFor
from popgan.synthesis.markdown import plain_text, table
from popgan.synthesis.told import FEWEST
from popgan.wording import counted

_HEADLINES: dict[Level, str] = {
    "passed": "Privacy-tested: passed",
    "too few subjects to test": "NOT privacy-tested: too few patients. Released by a decision, "
    "which is given below",
}
_INTENDED = (
    "Developing and testing software for brain MRI; teaching; research on generative models.",
    "Sharing within the purpose for which this set was released.",
)
_FORBIDDEN = (
    "Trying to find out who the model was trained with, or to link images with other data.",
    "Diagnosis, treatment, or any other decision about a person.",
    "Clinical claims that were not tested on images of patients.",
    "Passing the images on as acquired ones, or without this file and their marks.",
    "Calling them anonymous: nobody has shown that, and no test can.",
)


def release_note(
    model: str, plan: Plan, audit: StoredAudit, drawn: DrawnFor, *, skull_stripped: bool
) -> str:
    """The page as Markdown.

    Args:
        model: its name. plan: its plan.
        audit: of the very images of the set.
        drawn: what they were drawn for.
        skull_stripped: whether all training images showed brains alone.
    """
    verdict = audit.verdict()
    contrasts = ", ".join(plain_text(contrast) for contrast in plan.data.contrasts)
    parts = [
        "# Release note: synthetic brain MRI",
        f"**{_HEADLINES.get(verdict.level, verdict.level)}.**",
        _text(verdict.sentence),
        _text(
            f'{audit.n} images ({contrasts}), made by the model "{plain_text(model)}" with popgan '
            f"{__version__}. They show no person, and each says so itself. The model was trained "
            f"with images of {counted(audit.train_subjects, 'patient', 'patients')}; none of these "
            "images is in the set."
        ),
        *_decision(audit),
        "## What was tested, on this very set",
        _tests(audit),
        _bullets(verdict.reasons),
        "## How the set was made",
        _bullets(_making(audit, drawn)),
        "## What was not tested",
        _bullets(_untested(skull_stripped)),
        "## Intended uses",
        _bullets(_INTENDED),
        "## Not allowed",
        _bullets(_FORBIDDEN),
        "## Check that nothing was changed",
        "    sha256sum -c SHA256SUMS",
        _text("audit.json holds every number of the audit; SHA256SUMS names all files but itself."),
        table(
            ("item", "SHA-256"),
            (
                ("weights of the model", audit.weights),
                ("list of the training cohort", audit.cohort),
                ("list of the split by patient", audit.splits),
            ),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _decision(audit: StoredAudit) -> list[str]:
    if audit.accepted is None:
        return []
    told = plain_text(audit.accepted)
    return ["## Why it was released all the same", _text(f"As given by who released it: {told}")]


def _tests(audit: StoredAudit) -> str:
    result = audit.result
    first = audit.first_draw
    assert result is not None, "what could not be tested is not released"
    assert first is not None, "a set is released with the search of its first draw"
    near = result.neighbours
    rows = [
        (
            "The generator: images that repeat a training image (copy search of the first draw)",
            _share(first.flagged),
            f"up to {first.flagged.high or 0:.2%}",
            f"{first.flagged.n} images drawn",
        ),
        (
            "This set: the same, after flagged images were left out",
            "none flagged",
            "-",
            f"{audit.n} images",
        ),
        (
            "Images nearer to training than to other patients (50 % expected)",
            _share(near.share),
            _interval(near.share),
            f"{near.subjects} patients a side",
        ),
        *_control_rows(audit, result),
    ]
    for attack in result.attacks:
        value = attack.auc.value
        rows.append(
            (
                f"Membership attack {attack.name}, {attack.aggregate} of a patient: AUC (0.5 is a "
                "guess)",
                "-" if value is None else f"{value:.2f}",
                "-"
                if attack.auc.low is None or attack.auc.high is None
                else f"{attack.auc.low:.2f} to {attack.auc.high:.2f}",
                f"{attack.members} + {attack.others} patients",
            )
        )
    return table(("test", "result", "95 % interval", "of"), rows)


def _control_rows(audit: StoredAudit, result: PrivacyAudit) -> list[tuple[str, str, str, str]]:
    rows = []
    if result.controls:
        planted = result.controls[0].found
        rows.append(
            (
                "Control: copies planted on purpose that were found (95 % needed)",
                _share(planted),
                _interval(planted),
                f"{planted.n} copies",
            )
        )
    control = audit.overtrained
    if control is not None:
        rows.append(
            (
                "Control: patients found in the drawings of a copy that was made to memorise",
                _share(control.found),
                _interval(control.found),
                f"{control.found.n} patients",
            )
        )
    return rows


def _making(audit: StoredAudit, drawn: DrawnFor) -> list[str]:
    wishes = drawn.briefly()
    return [
        f"Drawn from seed {audit.seed}; every file names its index in that stream.",
        *([f"Asked for, for all images: {wishes}."] if wishes else []),
        *([_drawn(drawn)] if drawn.drawn else []),
        _left_out(audit),
        "What the tests were checked with (copies planted on purpose) was never part of the set, "
        "and no image of it equals one of a patient.",
        f"Held-out patients: {audit.heldout_subjects}, whom training and tuning have not seen, "
        f"verified by hashes; {audit.reference_subjects} more calibrate two of the attacks.",
    ]


def _drawn(drawn: DrawnFor) -> str:
    return (
        f"Drawn from the training data for each image: {', '.join(drawn.drawn)}. These are values "
        "of patients, which participants.tsv and the sidecars tell: classes and words as they are, "
        f"numbers rounded, and none but the class where fewer than {FEWEST} patients share them."
    )


def _left_out(audit: StoredAudit) -> str:
    if not audit.dropped:
        return "No image had to be left out: the copy search flagged none."
    were = counted(audit.dropped, "image was", "images were")
    text = (
        f"{were} left out because of likeness to a patient's image, and others drawn instead. The "
        "set was then audited again, as it is. That none of it is flagged holds by this selection."
    )
    first = audit.first_draw
    if first is not None and first.flagged.value:
        flags = round(first.flagged.value * first.flagged.n)
        text += (
            f" In the first draw {flags} of {first.flagged.n} were flagged. So many may be chance "
            f"(p = {first.p:.2g}): that they are copies is not shown, and not excluded."
        )
    return text


def _untested(skull_stripped: bool) -> list[str]:
    found = [
        "Attacks other than these. Better ones may be found.",
        "The model itself. Its weights are not part of this set: keep them with the patients' "
        "data. Whoever has them can draw the images that were left out here.",
        "Whether the images are anonymous in law. That depends on the purpose, the recipient and "
        "the time, and somebody has to decide it.",
        "How good the images are: see the report of the run.",
    ]
    if not skull_stripped:
        found.append(
            "Whether outlines of faces can be recognised: the model was not trained on brains "
            "alone, so skull and skin may show."
        )
    return found


def _share(measure: Measure) -> str:
    return "-" if measure.value is None else f"{measure.value:.2%}"


def _interval(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return "-"
    return f"{measure.low:.1%} to {measure.high:.1%}"


def _bullets(lines: tuple[str, ...] | list[str]) -> str:
    return "\n".join(
        fill(
            plain_text(line),
            100,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
        )
        for line in lines
    )


def _text(line: str) -> str:
    return fill(line, 100, break_long_words=False)
