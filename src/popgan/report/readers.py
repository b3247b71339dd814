"""The section on readers: what the blinded reader study of a run shows, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from popgan.evidence.readers.answers import REAL
from popgan.evidence.readers.record import StudyAnalysis, StudyFacts
from popgan.evidence.readers.results import BlockFlow, ReaderStudyResult
from popgan.evidence.readers.sentences import (
    detection_sentence,
    model_sentence,
    realism_sentence,
    sentences,
)
from popgan.report.reader_panels import (
    ReaderPanel,
    accuracy_panel,
    agreement_panel,
    differences_panel,
    repeats_panel,
    roc_panel,
    scores_panel,
)
from popgan.report.reader_tables import (
    Table,
    agreement_table,
    comparison_table,
    model_table,
    reader_table,
    repeat_table,
    score_table,
    timing_table,
)
from popgan.report.words import moment, number, typeset
from popgan.wording import counted

About = Literal["these weights", "other weights", "other models"]
QUESTION = "Readers cannot tell them from real images."


@dataclass(frozen=True)
class ReaderContent:
    """The reader study of a run, for the shareable page.

    Attributes:
        analysis: what was found; final or interim, never a rehearsal.
        about: whether images of the reported model's present weights were judged.
        model: the reported model.
    """

    analysis: StudyAnalysis
    about: About
    model: str

    def __post_init__(self) -> None:
        if self.analysis.status == "rehearsal":
            raise ValueError("simulated answers are no evidence and do not go into a report")


@dataclass(frozen=True)
class FlowColumn:
    """A column of the flow diagram: what it counts, and its steps from the top, in lines."""

    title: str
    steps: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Group:
    """Figures and tables of one outcome."""

    title: str
    standing: str
    panels: Sequence[ReaderPanel]
    tables: Sequence[Table]


@dataclass(frozen=True)
class ReadersView:
    """What the template prints."""

    marking: str
    lead: str
    about: str
    sentences: Sequence[str]
    warnings: Sequence[str]
    flow: Sequence[FlowColumn]
    groups: Sequence[Group]
    facts: Sequence[tuple[str, str]]


def readers_view(content: ReaderContent | None) -> ReadersView | None:
    """What the page shows; None where no study was analysed."""
    if content is None:
        return None
    analysis = content.analysis
    result, facts = analysis.result, analysis.facts
    return ReadersView(
        marking=analysis.marking,
        lead=_LEADS[facts.kind],
        about=_about(content),
        sentences=[typeset(text) for text in _sentences(content)],
        warnings=[typeset(text) for text in (*facts.notes, *result.warnings)],
        flow=_flow(analysis),
        groups=_groups(result, facts),
        facts=_facts(analysis),
    )


def _sentences(content: ReaderContent) -> list[str]:
    """The findings; the first one again for this model, and without readers who stopped early."""
    analysis = content.analysis
    found = sentences(analysis.result)
    if alone := model_sentence(analysis.result, content.model):
        found.insert(1, alone)
    if analysis.completers is not None:
        stopped = len(analysis.result.readers) - len(analysis.completers.readers)
        who = counted(stopped, "reader who did not finish", "readers who did not finish")
        found.append(f"Without {who}: {detection_sentence(analysis.completers)}")
    return found


def readers_claim(content: ReaderContent | None) -> tuple[bool, str]:
    """Whether readers were asked about the reported model, and the careful answer."""
    if content is None:
        return False, "No reader study was made."
    if content.about == "other weights":
        return False, (
            "A reader study was made, but of other weights: the model has been trained anew since. "
            "See the section on readers."
        )
    if content.about == "other models":
        return False, "A reader study was made, but of other models. See the section on readers."
    if content.analysis.status == "interim":
        return False, "A reader study is under way; nothing counts before it is locked."
    result = content.analysis.result
    found = (
        detection_sentence(result),
        model_sentence(result, content.model),
        realism_sentence(result),
    )
    answer = " ".join(text for text in found if text)
    return bool(answer), typeset(answer) or "No answer was usable."


_LEADS = {
    "likert+authenticity": "Readers judged real and synthetic images mixed, in an order of their "
    "own, without knowing which was which or how many there were of each.",
    "2afc": "Readers saw a real and a synthetic image side by side, in an order of their own, and "
    "chose the one that they held for the patient's.",
}


def _about(content: ReaderContent) -> str:
    facts = content.analysis.facts
    listed = ", ".join(
        f"{name} ({number(facts.synthetic.get(name, 0))} images, weights {digits[:12]})"
        for name, digits in facts.models.items()
    )
    noun = "Model" if len(facts.models) == 1 else "Models"
    words = f"{noun} in the study: {listed}."
    if content.about == "other weights":
        return (
            f"{words} The weights of {content.model} have changed since: the study is about other "
            "weights than the rest of this page."
        )
    if content.about == "other models":
        return f"{words} The model of this page, {content.model}, was not in the study."
    return f"{words} Those of {content.model} are the ones that this page is about."


def _flow(analysis: StudyAnalysis) -> list[FlowColumn]:
    """From invitations and images to the answers that were analysed."""
    flow, facts = analysis.result.flow, analysis.facts
    completed = len(analysis.completed)
    images = [
        f"{number(cases)} real, of {counted(facts.patients, 'patient', 'patients')}"
        if source == REAL
        else f"{number(cases)} by {source}"
        for source, cases in sorted(flow.cases.items(), key=lambda item: item[0] != REAL)
    ]
    each = analysis.asked_of_each(flow.blocks[0].block) if flow.blocks else 0
    cases = "pairs" if facts.kind == "2afc" else "cases"
    readers = [
        [f"{number(flow.invited)} invited"],
        [f"{number(flow.started)} started"],
        [f"{number(completed)} completed", f"{number(flow.started - completed)} in part"],
    ]
    shown = [images, [f"{number(facts.repeats)} shown twice"], [f"{number(each)} {cases} a block"]]
    columns = [FlowColumn("Readers", readers), FlowColumn("Images", shown)]
    return columns + [FlowColumn(_BLOCKS[block.block], _block(block)) for block in flow.blocks]


_BLOCKS = {"likert": "Scores", "authenticity": "Real or synthetic", "2afc": "Choices"}


def _block(block: BlockFlow) -> list[list[str]]:
    given = [f"{number(block.given)} given", f"{number(block.missing)} missing"]
    if block.unusable:
        given.append(f"{number(block.unusable)} unusable")
    analysed = [f"{number(block.analysed)} analysed", f"{number(block.repeats)} on repeats"]
    return [[f"{number(block.planned)} answers asked"], given, analysed]


def _groups(result: ReaderStudyResult, facts: StudyFacts) -> list[Group]:
    wanted = [
        ("detection", "Are synthetic images recognised?",
         [accuracy_panel(result), roc_panel(result)], [reader_table(result)]),
        ("scores", "How good are the images?",
         [scores_panel(result), differences_panel(result)], [score_table(result)]),
        ("models", "The models against each other",
         [], [model_table(result), comparison_table(result)]),
        ("agreement", "Do readers agree?",
         [agreement_panel(result), repeats_panel(result)],
         [agreement_table(result), repeat_table(result)]),
        ("times", "How long did it take?", [], [timing_table(result)]),
    ]  # fmt: skip
    groups = []
    for name, title, panels, tables in wanted:
        shown = [panel for panel in panels if panel is not None]
        listed = [table for table in tables if table is not None]
        if shown or listed:
            groups.append(Group(title, _standing(name, facts), shown, listed))
    return sorted(groups, key=lambda group: _ORDER.index(group.standing))


def _standing(name: str, facts: StudyFacts) -> str:
    """Whether an outcome was fixed before the first answer."""
    return _STANDINGS[facts.outcomes.get(name)]


_STANDINGS = {
    "primary": "primary outcome",
    "secondary": "secondary outcome",
    "descriptive": "preregistered, descriptive",
    None: "exploratory",
}
_ORDER = list(_STANDINGS.values())


def _facts(analysis: StudyAnalysis) -> list[tuple[str, str]]:
    facts, result = analysis.facts, analysis.result
    when = (
        ("Preregistered", facts.registered),
        ("First answer", facts.first_answer),
        ("Last answer", facts.last_answer),
        ("Locked", facts.locked),
    )
    rows = [(name, moment(stamp) if stamp else "–") for name, stamp in when]
    rows += [
        ("Design, SHA-256", facts.design),
        ("Preregistration, SHA-256", facts.preregistration or "–"),
        ("Design effect of several images a patient", f"{facts.design_effect:.2f}"),
        ("Practice cases, not analysed", number(facts.practice)),
        ("Contrast and size", f"{facts.contrast}, {facts.size[0]} × {facts.size[1]} pixels"),
        ("Outside of the head set to black", "yes, in all images" if facts.masked else "no"),
        ("Leak test of names, bytes, order and replies", facts.leak_test),
        ("Margin of equivalence", f"{number(100 * facts.margin)} points"),
        ("Bootstrap replicates", number(result.replicates)),
    ]
    return rows + [(f"Weights of {name}", digits) for name, digits in facts.models.items()]
