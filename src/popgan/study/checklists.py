"""The reporting checklists of a study: what popgan knows is filled in, the rest is visibly blank.

Only facts are filled in. Whatever needs a judgement, a person or a place is left to the authors,
and nothing is called "not applicable" on their behalf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from popgan.evidence.readers.answers import CRITERIA
from popgan.evidence.readers.record import StudyAnalysis, StudyFacts
from popgan.evidence.readers.sentences import sentences
from popgan.study.background import Background
from popgan.study.checklist_items import CLAIM, GRRAS
from popgan.wording import counted

BLANK = "____ (to be filled by the authors)"


def checklist_markdown(analysis: StudyAnalysis, background: Background) -> str:
    """Both checklists as one Markdown page."""
    facts = analysis.facts
    heading = [f"# Checklists: {_cell(facts.title)}", ""]
    if analysis.marking:
        heading += [f"**{analysis.marking}.**", ""]
    heading += [
        "Filled in by popgan where the run and the study say so; an item that a human must answer "
        f"reads `{BLANK}`. The items are named in short; the published lists count.",
        "",
    ]
    claim, grras = _claim(analysis, background), _grras(analysis)
    blanks = len(CLAIM) - len(claim) + len(GRRAS) - len(grras)
    return "\n".join(
        [
            *heading,
            f"{blanks} of {len(CLAIM) + len(GRRAS)} items are blank.",
            "",
            *_table("CLAIM 2024", CLAIM, claim),
            *_table("GRRAS", GRRAS, grras),
        ]
    )


def _table(
    title: str, items: Sequence[tuple[int, str, str]], known: Mapping[int, str]
) -> list[str]:
    rows = [
        f"| {number} | {section} | {words} | {_cell(known.get(number, BLANK))} |"
        for number, section, words in items
    ]
    return [
        f"## {title}",
        "",
        "| item | part | asks for | answer |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def _cell(text: str) -> str:
    """Text that cannot leave its cell."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _claim(analysis: StudyAnalysis, background: Background) -> dict[int, str]:
    facts = analysis.facts
    known = {
        6: "whether readers tell synthetic from real images (equivalence to chance), and how they "
        f"rate both; {_registered(facts)}",
        10: f"{_images(facts)}; real ones from the test split only, "
        f"{'one a patient' if facts.per_patient == 1 else f'up to {facts.per_patient} a patient'}"
        "; none was chosen by hand",
        11: "pseudonyms by a keyed hash; the shareable files hold counts and aliases only. "
        f"Of the source data: {BLANK}",
        12: _missing(analysis),
        14: "for each image whether it is a patient's or drawn by a model; known by construction",
        15: "by construction there is no error in it",
        17: "none was needed: the truth is how an image came to be",
        18: "of the readers: see GRRAS 13",
        20: "subjects: every subject is in one split only, checked by hash each time data are used",
        21: _sample_size(analysis),
        28: _measures(facts),
        29: "see the field `method` of every estimate in analysis.json; intervals are 95 %",
        34: f"{_registered(facts)}; in a public register: {BLANK}",
        35: f"{_flow(analysis)}; flow diagram in report.html",
        37: _sentences(analysis),
        42: "study/design.json, study/preregistration.md",
    }
    known |= _background_claim(background)
    return {number: text for number, text in known.items() if text}


def _background_claim(background: Background) -> dict[int, str]:
    """What the run tells rather than the study."""
    counts = background.counts
    splits = [
        f"{counts[f'{name} subjects']} {name.lower()}"
        for name in ("Training", "Tuning", "Test")
        if f"{name} subjects" in counts
    ]
    versions = ", ".join(f"{name} {version}" for name, version in background.software.items())
    return {
        9: "; ".join(background.preparation),
        19: f"at random by subject from a hash: {', '.join(splits)} subjects" if splits else "",
        22: _each(background, "network", "MODEL_CARD.md has all of it"),
        23: versions,
        24: _each(background, "start", "plan.yaml"),
        25: _each(background, "training", "plan.yaml has every value"),
        26: _each(background, "choice", "never by the test split"),
        27: "none: each image is drawn by one model",
        32: f"{counts['Test subjects']} held-out test subjects of the same cohort"
        if "Test subjects" in counts
        else "",
    }


def _each(background: Background, name: str, source: str) -> str:
    """What is known of each model under a name; "" where nothing is."""
    found = [f"{model}: {words}" for model, facts in background.models.items()
             if (words := getattr(facts, name))]  # fmt: skip
    return f"{'; '.join(found)} ({source})" if found else ""


def _grras(analysis: StudyAnalysis) -> dict[int, str]:
    facts = analysis.facts
    likert = facts.kind == "likert+authenticity"
    scored = f"; {len(CRITERIA)} criteria scored 1 to 5 ({', '.join(CRITERIA)})" if likert else ""
    task = "real or synthetic with confidence 1 to 3" if likert else "which of two images is real"
    return {
        2: f"popgan's reader study: one image at a time on black, window and zoom free; {task}"
        + scored,
        6: _sample_size(analysis),
        7: f"images: {_images(facts)}, drawn by seed {facts.seed}; readers: {BLANK}",
        8: "own random order for each reader and block; repeats in the same block, 10 trials or "
        "more after the first showing where possible; no clinical information; every image through "
        "one path of encoding under an opaque name; share of real images not disclosed",
        9: "each reader by a personal link, nobody saw another's answers; whether readers talked: "
        + BLANK,
        10: "ICC(2,1), ICC(3,k), weighted and Fleiss' kappa, Krippendorff's alpha with intervals; "
        "repeats for agreement within readers; see docs/readers.md",
        11: f"{_flow(analysis)}; {_images(facts)}; {counted(facts.repeats, 'repeat', 'repeats')} "
        "a reader",
        12: f"subjects: {facts.patients} of the test split; readers' training, experience: {BLANK}",
        13: "analysis.json and section Readers of report.html",
        15: "study/answers.csv and answers.json: every version of every answer, with the truth",
    }


def _registered(facts: StudyFacts) -> str:
    if facts.preregistration is None:
        return ""
    return f"preregistered {facts.registered or ''}, SHA-256 {facts.preregistration[:12]}"


def _images(facts: StudyFacts) -> str:
    drawn = ", ".join(f"{number} of {name}" for name, number in facts.synthetic.items())
    patients = counted(facts.patients, "patient", "patients")
    return f"{facts.real} real images of {patients}, synthetic ones: {drawn}"


def _sample_size(analysis: StudyAnalysis) -> str:
    facts = analysis.facts
    readers = counted(len(analysis.result.readers), "reader", "readers")
    return (
        f"{readers}, {_images(facts)}, {facts.repeats} repeats; design effect "
        f"{facts.design_effect:.2f}; margin of equivalence {100 * facts.margin:g} points; reasons: "
        "section Sizes of study/preregistration.md"
    )


def _missing(analysis: StudyAnalysis) -> str:
    blocks = analysis.result.flow.blocks
    asked, missing = sum(b.planned for b in blocks), sum(b.missing for b in blocks)
    return f"{missing} of {asked} answers were not given; nothing was imputed"


def _flow(analysis: StudyAnalysis) -> str:
    flow = analysis.result.flow
    return f"{flow.invited} invited, {flow.started} started, {len(analysis.completed)} completed"


def _measures(facts: StudyFacts) -> str:
    if facts.kind == "2afc":
        return "share of correct choices, equivalence to chance"
    return (
        "sensitivity, specificity, accuracy, d', criterion, ROC; equivalence to chance; Likert "
        "means, medians and differences; agreement"
    )


def _sentences(analysis: StudyAnalysis) -> str:
    return " ".join(sentences(analysis.result))
