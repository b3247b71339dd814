"""Station evaluate: a model and its cohort in, measured evidence out."""

from __future__ import annotations

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.features import FeatureExtractor
from popgan.evidence.fidelity.results import FidelityResult
from popgan.evidence.fidelity.suite import assess
from popgan.files import write_json
from popgan.progress import Reporter
from popgan.stations.evidence import evaluation_seed, load_evaluation
from popgan.stations.generate import synthesise
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.training.loop import threads


def evaluate(
    model: Model,
    cohort: Cohort | None = None,
    *,
    n: int | None = None,
    reporter: Reporter | None = None,
) -> FidelityResult:
    """Measure a model against the held-out test split of its cohort.

    Args:
        model: a trained model.
        cohort: the run's cohort; opened if not given.
        n: synthetic images; the plan's by default.
        reporter: shows progress.

    Raises:
        UserError: the model is not trained, belongs to another cohort, or the cohort is too
            small to measure anything.
    """
    reporter = reporter or Reporter()
    cohort = cohort or Cohort.open(model.run)
    plan, weights = model.plan(), model.weights_hash()
    if plan.data.cohort != cohort.hash:
        raise UserError(
            f"model {model.name!r} was trained on another cohort",
            where=model.run,
            do="train it again, or evaluate it with the run it came from",
        )
    cohort.check_splits()
    n = plan.evaluate.n if n is None else n
    extractor = FeatureExtractor()
    inputs = {"weights": weights, "n": n, "cohort": cohort.hash, "features": extractor.identity}
    ledger, station = Ledger(model.run), f"evaluate {model.name}"
    if ledger.is_done(station, inputs):
        reporter.message(f"[{station}] unchanged, skipped")
        return load_evaluation(model)
    with (
        ledger.station(station, inputs, [model.evaluation_path], reporter),
        threads(plan.train.threads),
    ):
        result = assess(
            real_train=cohort.images("train"),
            real_reference=cohort.images("test"),
            synthetic=synthesise(model, n, evaluation_seed(plan), reporter),
            train_subjects=cohort.subjects("train"),
            reference_subjects=cohort.subjects("test"),
            extractor=extractor,
            seed=plan.seed,
            cache=model.run / "cache",
            reporter=reporter,
        )
        write_json(model.evaluation_path, result.model_dump(mode="json"))
    return result
