"""The stored privacy audit of a model: what it is about, what it found, what that amounts to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from popgan.errors import UserError
from popgan.evidence.privacy.bounds import subjects_needed
from popgan.evidence.privacy.generator_results import InversionAttack, OvertrainedControl
from popgan.evidence.privacy.overall import overall
from popgan.evidence.privacy.results import (
    CopySearch,
    PrivacyAudit,
    PrivateDetails,
    Verdict,
)
from popgan.files import owners_folder, private_folder, read_json, sha256_file, write_json
from popgan.stations.model import Model

AUDIT_VERSION = 3  # raise when a test or a rule changes: old results are not taken for new
State = Literal["none", "stale", "current"]


class StoredAudit(BaseModel):
    """The content of RUN/audits/NAME.json: shareable, with no pseudonym and no path in it.

    Attributes:
        version: of the audit (`AUDIT_VERSION`).
        weights, cohort: SHA-256 of the weights and of the cohort's manifest it is about.
        features: identity of the feature network.
        n: synthetic images that were audited. seed: they were drawn with.
        released: what the attackers are taken to have: images, or the generator as well.
        train_subjects, heldout_subjects: patients trained with, and patients never seen.
        reference_subjects: patients of the attacks' reference set: the tuning split, which did
            not train.
        splits: SHA-256 of the list of the split, which was verified before the audit.
        not_testable: why nothing could be tested, or None.
        result: the tests of the images; None where nothing could be tested.
        overtrained: the control with an over-trained copy of the generator.
        inversion: the attack on the generator itself.
        first_draw: of a set from which flagged images were left out, the copy search of all that
            was drawn for it first; None of the audit of a model.
        dropped: images that were left out of a set because the copy search had flagged them.
        accepted: why a set was released although there were too few subjects to test it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    version: int
    weights: str
    cohort: str
    features: dict[str, Any]
    n: int
    seed: int
    released: Literal["images", "generator"] = "images"
    train_subjects: int = 0
    heldout_subjects: int = 0
    reference_subjects: int = 0
    splits: str = ""
    not_testable: str | None = None
    result: PrivacyAudit | None = None
    overtrained: OvertrainedControl | None = None
    inversion: InversionAttack | None = None
    first_draw: CopySearch | None = None
    dropped: int = 0
    accepted: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> StoredAudit:
        if (self.result is None) == (self.not_testable is None):
            raise ValueError("either a result or the reason why there is none")
        return self

    def verdict(self) -> Verdict:
        """What all parts amount to together."""
        if self.result is None:
            return Verdict(
                level="too few subjects to test",
                sentence=f"Nothing was tested: {self.reason}",
                reasons=[self.reason],
                needed=subjects_needed(),
            )
        return overall(self.result, self.overtrained, self.inversion, self.first_draw)

    def of_images(self) -> StoredAudit:
        """The same audit as far as it concerns images that are released without the generator."""
        return self.model_copy(update={"released": "images", "inversion": None})

    @property
    def reason(self) -> str:
        """Why nothing could be tested, without the advice that follows it."""
        return (self.not_testable or "").split("; ")[0].rstrip(".") + "."


def audit_path(model: Model) -> Path:
    """RUN/audits/NAME.json."""
    return model.audit_path


def save_audit(model: Model, found: StoredAudit, private: PrivateDetails | None) -> None:
    """Write both parts of an audit, the private one first and for its owner alone."""
    private_folder(model.run)
    owners_folder(model.private_audit_path.parent)
    model.private_audit_path.unlink(missing_ok=True)
    if private is not None:
        write_json(model.private_audit_path, private.model_dump(mode="json"), mode=0o600)
    write_json(model.audit_path, found.model_dump(mode="json"))


def load_audit(model: Model) -> StoredAudit | None:
    """The stored audit of a model's present weights and cohort; None if there is no such audit.

    Raises:
        UserError: the model is not trained, or the file is damaged.
    """
    found = _read(model)
    return found if found is not None and _is_current(model, found) else None


def failed_audit(model: Model, cohort: str) -> StoredAudit | None:
    """The stored audit if it failed and is of these very weights and patients; otherwise None.

    One by older rules counts, too: that tests were changed does not undo what was shown.

    Args:
        model: whose audit it is.
        cohort: hash of the present cohort's manifest.

    Raises:
        UserError: as in `load_audit`.
    """
    found = _read(model)
    if found is None or (found.weights, found.cohort) != (model.weights_hash(), cohort):
        return None
    return found if found.verdict().level == "failed" else None


def audit_state(model: Model) -> State:
    """Whether there is an audit, and whether it is about the present weights and cohort.

    Raises:
        UserError: as in `load_audit`.
    """
    found = _read(model)
    if found is None:
        return "none"
    return "current" if _is_current(model, found) else "stale"


def load_private(model: Model) -> PrivateDetails | None:
    """Flagged images and exposed patients by pseudonym, of a current audit; None without one.

    Raises:
        UserError: as in `load_audit`.
    """
    path = model.private_audit_path
    if load_audit(model) is None or not path.exists():
        return None
    try:
        return PrivateDetails.model_validate(read_json(path))
    except (UserError, ValidationError) as error:
        raise UserError(
            "is not the private part of an audit", where=path, do="remove it and audit again"
        ) from error


def _read(model: Model) -> StoredAudit | None:
    path = model.audit_path
    if not path.exists():
        return None
    try:
        return StoredAudit.model_validate(read_json(path))
    except (UserError, ValidationError) as error:
        raise UserError(
            "is not a privacy audit of this version", where=path, do="remove it and audit again"
        ) from error


def _is_current(model: Model, found: StoredAudit) -> bool:
    """Evidence about other weights, patients or tests does not speak for these."""
    manifest = model.run / "dataset" / "manifest.json"
    return (found.version, found.weights, found.cohort) == (
        AUDIT_VERSION,
        model.weights_hash(),
        sha256_file(manifest) if manifest.exists() else None,
    )
