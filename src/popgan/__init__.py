"""popgan: a folder of brain MRI in; a synthetic data set, and the evidence for it, out.

The Python API mirrors the verbs of the command line. Names are imported when they are first
used, so that `import popgan` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from popgan._version import __version__
from popgan._waiting import wait_briefly

if TYPE_CHECKING:
    from popgan.cohort.cohort import Cohort
    from popgan.cohort.options import IngestOptions
    from popgan.config.schema import Plan
    from popgan.errors import NotMeasurableError, UserError
    from popgan.progress import Reporter
    from popgan.run import RunOptions, run_all
    from popgan.stations.audit import audit
    from popgan.stations.compare import compare
    from popgan.stations.draw import LabelledImages, Wish, synthesise, synthesise_with_masks
    from popgan.stations.evaluate import evaluate
    from popgan.stations.generate import generate
    from popgan.stations.model import Model, find_model
    from popgan.stations.plan import make_plan
    from popgan.stations.release import release
    from popgan.stations.report import write_report
    from popgan.stations.train import train
    from popgan.stations.translate import (
        TranslatedFiles,
        Translations,
        translate,
        translate_volume,
    )
    from popgan.stations.translate_visit import TranslatedVolume
    from popgan.study.analyse import analyse_study
    from popgan.study.build import StudyOptions
    from popgan.study.create import create_study
    from popgan.terminal import RichReporter
    from popgan.tuning.ablation import ablate
    from popgan.tuning.ablation_begin import AblateOptions
    from popgan.tuning.begin import TuneOptions
    from popgan.tuning.search import tune

wait_briefly()

_HOME = {
    "AblateOptions": "popgan.tuning.ablation_begin",
    "Cohort": "popgan.cohort.cohort",
    "IngestOptions": "popgan.cohort.options",
    "LabelledImages": "popgan.stations.draw",
    "Model": "popgan.stations.model",
    "NotMeasurableError": "popgan.errors",
    "Plan": "popgan.config.schema",
    "Reporter": "popgan.progress",
    "RichReporter": "popgan.terminal",
    "RunOptions": "popgan.run",
    "StudyOptions": "popgan.study.build",
    "TranslatedFiles": "popgan.stations.translate",
    "TranslatedVolume": "popgan.stations.translate_visit",
    "Translations": "popgan.stations.translate",
    "TuneOptions": "popgan.tuning.begin",
    "UserError": "popgan.errors",
    "Wish": "popgan.stations.draw",
    "ablate": "popgan.tuning.ablation",
    "analyse_study": "popgan.study.analyse",
    "audit": "popgan.stations.audit",
    "compare": "popgan.stations.compare",
    "create_study": "popgan.study.create",
    "evaluate": "popgan.stations.evaluate",
    "find_model": "popgan.stations.model",
    "generate": "popgan.stations.generate",
    "make_plan": "popgan.stations.plan",
    "release": "popgan.stations.release",
    "run_all": "popgan.run",
    "synthesise": "popgan.stations.draw",
    "synthesise_with_masks": "popgan.stations.draw",
    "train": "popgan.stations.train",
    "translate": "popgan.stations.translate",
    "translate_volume": "popgan.stations.translate",
    "tune": "popgan.tuning.search",
    "write_report": "popgan.stations.report",
}

__all__ = [
    "AblateOptions",
    "Cohort",
    "IngestOptions",
    "LabelledImages",
    "Model",
    "NotMeasurableError",
    "Plan",
    "Reporter",
    "RichReporter",
    "RunOptions",
    "StudyOptions",
    "TranslatedFiles",
    "TranslatedVolume",
    "Translations",
    "TuneOptions",
    "UserError",
    "Wish",
    "__version__",
    "ablate",
    "analyse_study",
    "audit",
    "compare",
    "create_study",
    "evaluate",
    "find_model",
    "generate",
    "make_plan",
    "release",
    "run_all",
    "synthesise",
    "synthesise_with_masks",
    "train",
    "translate",
    "translate_volume",
    "tune",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'popgan' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
