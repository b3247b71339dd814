"""From choices to a study in memory: stimuli under random names, the design, and the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations.model import Model
from popgan.study.choose import RealChoice, RealImage, choose_practice, choose_real
from popgan.study.draw import (
    SEEDS,
    SyntheticImage,
    draw_synthetic,
    generator_seeds,
    practice_seed,
    split_evenly,
)
from popgan.study.order import Secret, reader_trials
from popgan.study.render import stimulus
from popgan.study.schema import Design, Key, Kind, ReaderPlan, Stimulus

SYNTHETIC = 120
REPEATED_SHARE = 8  # one in eight images is shown again
MOST = 2000
"""Most images of a kind: more than a reader can judge."""


@dataclass(frozen=True)
class StudyOptions:
    """What the user asks of a study; None leaves the choice to popgan.

    Attributes:
        readers: how many.
        real, synthetic: images.
        repeats: trials of a block that are shown again.
        models: names of the models.
        kind: of design.
        practice: images for practice.
        seed: of the analysis' resampling; the choice of images follows from the study's secret.
        contrast: which one is shown.
        back: whether readers may go back within a block.
        masked: whether what is outside the head becomes black.
        texts: a file of words for the page.
        margin: of equivalence to chance, as a share.
        title: of the study.
    """

    readers: int = 5
    real: int | None = None
    synthetic: int | None = None
    repeats: int | None = None
    models: Sequence[str] | None = None
    kind: Kind = "likert+authenticity"
    practice: int = 6
    seed: int = 0
    contrast: str | None = None
    back: bool = True
    masked: bool = True
    texts: Path | None = None
    margin: float = 0.1
    title: str | None = None

    def check(self) -> None:
        """Refuse numbers that make no study.

        Raises:
            UserError: which one, and what is possible.
        """
        for option, value, low, high in (
            ("--readers", self.readers, 1, 50),
            ("--real", self.real, 1, MOST),
            ("--synthetic", self.synthetic, 1, MOST),
            ("--repeats", self.repeats, 0, MOST),
            ("--practice", self.practice, 0, 60),
        ):
            if value is not None and not low <= value <= high:
                raise UserError(f"{option} {value} is not possible", do=f"give {low} to {high}")
        if self.practice % 2:
            raise UserError(
                f"--practice {self.practice} is not possible", do="give an even number: half real"
            )
        if self.kind not in ("likert+authenticity", "2afc"):
            raise UserError(
                f"--design {self.kind} is not possible", do="give likert+authenticity or 2afc"
            )
        if self.title is not None and not (self.title.strip() and self.title.isprintable()):
            raise UserError("--title is not possible", do="give one line of text")
        if not 0 < self.margin < 0.5:
            raise UserError(
                f"--margin {self.margin:g} is not possible", do="give a share such as 0.1"
            )


@dataclass(frozen=True)
class Built:
    """A study that is not on the disk yet.

    Attributes:
        design, key: what it is.
        files: the stimuli by name.
    """

    design: Design
    key: Key
    files: dict[str, bytes]


def build(
    cohort: Cohort,
    models: Sequence[Model],
    wanted: StudyOptions,
    secret: Secret,
    reporter: Reporter,
) -> Built:
    """Choose real slices, draw synthetic ones, and lay out what every reader sees.

    Args:
        cohort: of the run.
        models: trained on it, all of them shown.
        wanted: sizes and choices.
        secret: where choices of images, random names and orders come from.
        reporter: shows progress.

    Raises:
        UserError: the study is not possible.
    """
    wanted.check()
    channel = _channel(cohort, wanted.contrast)
    # By the secret: from a public seed anybody who has the scans could name the patients' images.
    choice = secret.seed("choice")
    real = choose_real(cohort, wanted.real, choice)
    design = _design(cohort, models, wanted, real, channel)
    maker = _Maker(cohort, channel, wanted.masked, secret)
    for image in real.images:
        maker.add_real(image)
    seeds = generator_seeds(secret)
    for drawn in draw_synthetic(models, design.synthetic, seeds, channel, reporter):
        maker.add_synthetic(drawn)
    half = wanted.practice // 2
    for image in choose_practice(cohort, half, choice):
        maker.add_real(image, practice=True)
    counts = split_evenly(half, [model.name for model in models])
    own = [practice_seed(secret)]
    for drawn in draw_synthetic(models, counts, own, channel, reporter):
        maker.add_synthetic(drawn, practice=True)
    aliases = [f"R{i}" for i in range(1, wanted.readers + 1)]
    readers = [_plan(alias, design, maker.stimuli, secret) for alias in aliases]
    # The key lists stimuli by name: its order, too, tells nothing.
    stimuli = sorted(maker.stimuli, key=lambda stimulus: stimulus.case)
    return Built(design, Key(design=design.hash(), stimuli=stimuli, readers=readers), maker.files)


def _channel(cohort: Cohort, contrast: str | None) -> int:
    if contrast is None:
        return 0
    if contrast not in cohort.contrasts:
        raise UserError(
            f"--contrast {contrast} is not in the cohort",
            do=f"there: {', '.join(cohort.contrasts)}",
        )
    return cohort.contrasts.index(contrast)


def _design(
    cohort: Cohort, models: Sequence[Model], wanted: StudyOptions, real: RealChoice, channel: int
) -> Design:
    count = len(real.images)
    paired = wanted.kind == "2afc"
    synthetic = wanted.synthetic or (count if paired else SYNTHETIC)
    if paired and synthetic != count:
        raise UserError(
            f"pairs take as many synthetic images as real ones: {synthetic} and {count} are none",
            do=f"give --real {min(count, synthetic)} --synthetic {min(count, synthetic)}",
        )
    if synthetic < len(models):
        raise UserError(
            f"--synthetic {synthetic} is too few for {len(models)} models",
            do=f"give {len(models)} or more, or fewer models",
        )
    trials = count if paired else count + synthetic
    repeats = min(30, trials // REPEATED_SHARE) if wanted.repeats is None else wanted.repeats
    if repeats > trials:
        raise UserError(
            f"--repeats {repeats} is more than there is to repeat", do=f"give 0 to {trials}"
        )
    contrast = cohort.contrasts[channel]
    return Design(
        title=wanted.title or f"Realism of synthetic {contrast} images of the brain",
        kind=wanted.kind,
        readers=wanted.readers,
        real=count,
        synthetic=split_evenly(synthetic, [model.name for model in models]),
        patients=real.patients,
        per_patient=real.per_patient,
        design_effect=real.design_effect,
        repeats=repeats,
        practice=wanted.practice,
        contrast=contrast,
        size=(cohort.height, cohort.width),
        spacing=(cohort.spacing[0], cohort.spacing[1]),
        models={model.name: model.weights_hash() for model in models},
        cohort=cohort.hash,
        generators=SEEDS,
        seed=wanted.seed,
        margin=wanted.margin,
        masked=wanted.masked,
        back=wanted.back,
        created=provenance.now(),
    )


class _Maker:
    """Gives every image a random name and turns it into a stimulus, all on one path."""

    def __init__(self, cohort: Cohort, channel: int, masked: bool, secret: Secret) -> None:
        self._cohort, self._channel, self._masked, self._secret = cohort, channel, masked, secret
        self.stimuli: list[Stimulus] = []
        self.files: dict[str, bytes] = {}

    def add_real(self, image: RealImage, *, practice: bool = False) -> None:
        case, file = self._names()
        pixels = self._cohort.image(image.row)[self._channel]
        self.files[file] = stimulus(pixels, masked=self._masked)
        self.stimuli.append(
            Stimulus(
                case=case,
                source="real",
                cluster=image.subject,
                file=file,
                row=image.row,
                practice=practice,
            )
        )

    def add_synthetic(self, drawn: SyntheticImage, *, practice: bool = False) -> None:
        case, file = self._names()
        self.files[file] = stimulus(drawn.image, masked=self._masked)
        self.stimuli.append(
            Stimulus(
                case=case,
                source=drawn.model,
                cluster=case,
                file=file,
                seed=drawn.seed,
                index=drawn.index,
                practice=practice,
            )
        )

    def _names(self) -> tuple[str, str]:
        number = len(self.stimuli)
        return self._secret.name(f"case/{number}"), self._secret.name(f"file/{number}") + ".png"


def _plan(alias: str, design: Design, stimuli: Sequence[Stimulus], secret: Secret) -> ReaderPlan:
    practice = _groups(design, [s for s in stimuli if s.practice], secret)
    asked = _groups(design, [s for s in stimuli if not s.practice], secret)
    trials = {"practice": reader_trials(alias, "practice", practice, 0, secret)}
    for block in design.blocks:
        trials[block] = reader_trials(alias, block, asked, design.repeats, secret)
    return ReaderPlan(alias=alias, trials=trials)  # type: ignore[arg-type]


def _groups(
    design: Design, stimuli: Sequence[Stimulus], secret: Secret
) -> list[tuple[Stimulus, ...]]:
    """What one trial shows: an image, or a real and a synthetic one, the same for all readers."""
    if design.kind != "2afc":
        return [(stimulus,) for stimulus in stimuli]
    real = [stimulus for stimulus in stimuli if stimulus.source == "real"]
    drawn = [stimulus for stimulus in stimuli if stimulus.source != "real"]
    order = secret.rng("pairs").permutation(len(drawn))
    return [(one, drawn[i]) for one, i in zip(real, order, strict=True)]
