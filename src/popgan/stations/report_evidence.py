"""What a report is handed over of audit, release, splits and provenance: values, never files."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.cohort.licence import FILE as LICENCE
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.files import read_json, sha256_file, sha256_value
from popgan.report.audit_content import AuditContent
from popgan.report.evidence_content import ComparisonContent, ReleaseContent, SplitFacts
from popgan.report.measurements import identity_line
from popgan.stations.audited import AUDIT_VERSION, StoredAudit, audit_state, load_audit
from popgan.stations.compared import (
    comparable,
    comparison_path,
    comparison_state,
    load_comparison,
)
from popgan.stations.evidence import evaluation_seed
from popgan.stations.ledger import Entry, Ledger
from popgan.stations.machine import load_machine
from popgan.stations.model import Model
from popgan.stations.release_files import AUDIT, SUMS, is_intact

_BATCH = 256  # slices that are hashed at once


def audit_content(model: Model, plan: Plan) -> AuditContent:
    """The audit of the present weights and data; of any other that it is stale."""
    if plan.translates:
        return AuditContent(state="not applicable")
    found = load_audit(model)
    if found is None:
        return AuditContent(state=audit_state(model))
    return AuditContent(
        state="current",
        released=found.released,
        images=found.n,
        seed=found.seed,
        reference_subjects=found.reference_subjects,
        features=identity_line(found.features),
        not_testable=found.reason if found.not_testable else None,
        result=found.result,
        overtrained=found.overtrained,
        inversion=found.inversion,
        verdict=found.verdict() if found.result is not None else None,
    )


def comparison_content(model: Model) -> ComparisonContent:
    """The comparison of the run's models, as far as it still speaks for them."""
    run, others = model.run, len(comparable(model.run))
    found = load_comparison(run)
    state = comparison_state(run) if found is None else "current"
    return ComparisonContent(state=state, models=others, model=model.name, result=found)


def release_folder(model: Model) -> Path:
    """RUN/release/NAME."""
    return model.run / "release" / model.name


def release_content(model: Model, cohort: Cohort) -> ReleaseContent:
    """The data set that was made for sharing, by the audit that lies in it."""
    path = release_folder(model) / AUDIT
    if not path.exists():
        return ReleaseContent()
    try:
        found = StoredAudit.model_validate(read_json(path))
    except (UserError, ValidationError):
        return ReleaseContent(state="stale")
    if not is_intact(path.parent):
        return ReleaseContent(state="changed")
    present = (AUDIT_VERSION, model.weights_hash(), cohort.hash)
    current = (found.version, found.weights, found.cohort) == present
    sums = path.parent / SUMS
    return ReleaseContent(
        state="current" if current else "stale",
        images=found.n,
        dropped=found.dropped,
        level=found.verdict().level,
        first_draw=found.first_draw,
        accepted=found.accepted or "",
        manifest=sha256_file(sums) if sums.exists() else "",
    )


def evidence_inputs(model: Model) -> dict[str, str | bool | None]:
    """Hashes of what a report shows besides measurements, for the ledger."""
    paths = {
        "audit": model.audit_path,
        "private audit": model.private_audit_path,
        "release": release_folder(model) / AUDIT,
        "comparison": comparison_path(model.run),
        "licence": model.run / "dataset" / LICENCE,
    }
    found = {name: sha256_file(path) if path.exists() else None for name, path in paths.items()}
    # A comparison also ages where another of its models is trained again.
    found["comparison state"] = comparison_state(model.run)
    return {**found, "intact": paths["release"].exists() and is_intact(release_folder(model))}


def splits(cohort: Cohort) -> dict[str, SplitFacts]:
    """Subjects, slices and a hash of the pixels of each split."""
    found = {}
    for split in ("train", "tuning", "test"):
        owners = cohort.subjects(split)
        digest = hashlib.sha256()
        for start in range(0, len(owners), _BATCH):
            places = np.arange(start, min(start + _BATCH, len(owners)))
            digest.update(np.ascontiguousarray(cohort.batch(split, places)).tobytes())
        found[split] = SplitFacts(len(set(owners)), len(owners), digest.hexdigest())
    return found


def provenance_record(model: Model, cohort: Cohort, plan: Plan) -> dict[str, Any]:
    """Versions, machine, hashes and seeds: what somebody needs who wants the same numbers."""
    seeds = {"training": str(plan.seed), "evaluated images": str(evaluation_seed(plan))}
    stations = Ledger(model.run).stations()
    if (asked := stations.get("ingest")) is not None:
        seeds["split of patients"] = str(asked.asked.get("seed", 0))
    return {
        **provenance.record(),
        "training": _training(model, plan, stations.get(f"train {model.name}")),
        "hashes": {
            "weights": model.weights_hash(),
            "plan": model.plan_hash(),
            "cohort": cohort.hash,
            "splits": sha256_file(model.run / "dataset" / "splits.json"),
            "code": code_hash(),
            "environment": environment_hash(),
        },
        "seeds": seeds,
    }


def _training(model: Model, plan: Plan, entry: Entry | None) -> dict[str, Any]:
    """What the training ran on, which need not be the machine that writes the page."""
    found: dict[str, Any] = {"threads": plan.train.threads}
    if entry is None:  # trained by a study, or by an older version
        return found
    planned = load_machine(model)
    if planned.get("gpu") and planned.get("processor") == entry.machine.get("cpu"):
        found["GPU"] = planned["gpu"]
    names = ("popgan", "python", "torch")
    return {
        **entry.machine,
        **found,
        **{name: entry.versions[name] for name in names if name in entry.versions},
        "finished": entry.created,
    }


def code_hash() -> str:
    """SHA-256 over the names and contents of popgan's own source files."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def environment_hash() -> str:
    """SHA-256 over name and version of every Python package that is installed."""
    names = {f"{d.name.lower()}=={d.version}" for d in importlib.metadata.distributions() if d.name}
    return sha256_value(sorted(names))
