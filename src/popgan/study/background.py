"""What a run knows beside its study: cohort, preparation and models, in words for a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.stations.card import cohort_counts
from popgan.stations.model import Model
from popgan.stations.scan_rows import preparation_rows
from popgan.stations.story import story_of
from popgan.study.schema import Design
from popgan.wording import counted


@dataclass(frozen=True)
class ModelFacts:
    """A model of the study in words; "" where it is not known."""

    network: str
    start: str
    training: str
    choice: str


@dataclass(frozen=True)
class Background:
    """What the run knows.

    Attributes:
        counts: the cohort in figures, as the report shows it.
        preparation: one phrase a choice of preparation.
        models: of the study, those whose weights are still the ones that were judged.
        software: name -> version.
    """

    counts: Mapping[str, int | float | str]
    preparation: Sequence[str]
    models: Mapping[str, ModelFacts]
    software: Mapping[str, str]


def background(run: Path, design: Design) -> Background:
    """Gather it; what is gone or has changed since is left out.

    Args:
        run: the run folder.
        design: of its study.
    """
    counts: Mapping[str, int | float | str] = {}
    preparation: list[str] = []
    try:
        cohort = Cohort.open(run)
    except UserError:
        cohort = None
    if cohort is not None and cohort.hash == design.cohort:
        counts = cohort_counts(cohort)
        preparation = [
            f"{row.step}: {row.choice} ({counted(row.scans, 'scan', 'scans')})"
            for row in preparation_rows(cohort)
        ]
    models = {name: _model(Model(run, name), weights) for name, weights in design.models.items()}
    return Background(
        counts=counts,
        preparation=preparation,
        models={name: facts for name, facts in models.items() if facts is not None},
        software=provenance.versions(),
    )


def _model(model: Model, weights: str) -> ModelFacts | None:
    try:
        if model.weights_hash() != weights:
            return None
        plan = model.plan()
    except UserError:
        return None
    train = plan.train
    prior = "weights learnt from simulated heads" if train.init == "phantom" else "random weights"
    return ModelFacts(
        network=f"recipe {plan.recipe}, {plan.network.kind} network, latent vectors of "
        f"{plan.latent_dim}",
        start=prior,
        training=f"{train.images} images shown in batches of {train.batch}, loss {train.loss}, "
        f"learning rates {train.lr_generator:g} and {train.lr_discriminator:g}, seed {plan.seed}",
        choice=" ".join(story_of(model).sentences()),
    )
