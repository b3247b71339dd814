"""Station release: a set of images that was itself audited, with its evidence and its hashes."""

from __future__ import annotations

from pathlib import Path

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.files import owners_folder, private_folder, sha256_file, write_json
from popgan.folders import atomic_folder
from popgan.progress import Reporter
from popgan.stations.audit import refuse_translators
from popgan.stations.audit_sides import LEAST_IMAGES
from popgan.stations.audited import StoredAudit, audit_state, load_audit
from popgan.stations.draw import ANY, Wish, check_count
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.release_choice import Chosen, choose
from popgan.stations.release_files import is_intact, is_release, write_release
from popgan.synthesis.bids_metadata import OWN_FILES
from popgan.training.loop import threads
from popgan.wording import counted

RELEASE_VERSION = 3  # raise when a released set would be another one
_REASON = 500  # characters


def release(
    model: Model,
    n: int | None = None,
    *,
    seed: int = 0,
    wish: Wish = ANY,
    out: str | Path | None = None,
    accept: str | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Make a set of images that can leave the house, if its model's audit allows that.

    Images that the copy search flags are left out and others drawn in their place; the set is then
    audited again, as it is. A first draw in which copies are shown is refused, not mended.

    Args:
        model: a trained and audited model.
        n: number of images; the plan's by default.
        seed: image k of a seed is always the same.
        wish: class, covariates, truncation.
        out: folder of the set; RUN/release/NAME by default.
        accept: why a set is released although there are too few subjects to test it; it is
            written into the set.
        reporter: shows progress.

    Returns:
        The folder: a BIDS data set with audit.json, RELEASE.md and SHA256SUMS.

    Raises:
        UserError: the audit is missing, stale, or does not allow a release; or that of this very
            set does not; the folder holds something else, or a full disk.
    """
    reporter = reporter or Reporter()
    plan = model.plan()
    refuse_translators(model, plan)
    weights = model.weights_hash()
    n = plan.generate.n if n is None else n
    check_count(n)
    if n < LEAST_IMAGES:
        raise UserError(
            f"a release of {counted(n, 'image', 'images')} cannot be audited",
            do=f"ask for {LEAST_IMAGES} or more with -n",
        )
    accept = _reason(accept)
    known = require_audited(model)
    allow(known, accept)
    cohort = Cohort.open(model.run)
    folder = Path(out) if out is not None else model.run / "release" / model.name
    inputs = {
        "release": RELEASE_VERSION,
        "weights": weights,
        "cohort": cohort.hash,
        "n": n,
        "seed": seed,
        "given": dict(wish.given),
        "truncation": wish.truncation,
        "accepted": accept,
        "audit": sha256_file(model.audit_path),
    }
    ledger, station = Ledger(model.run), f"release {model.name}"
    if out is None and ledger.is_done(station, inputs) and is_intact(folder):
        reporter.message(f"[{station}] unchanged, skipped")
        return folder

    def work() -> None:
        # A folder that holds something else is refused before hours of tests.
        with atomic_folder(folder, replace=is_release, own=OWN_FILES) as part:
            chosen = choose(model, cohort, known, n, seed, wish, accept, reporter)
            allow(chosen.audit, accept)
            write_release(model, cohort, part, chosen, seed, wish, reporter)
            _save_private(model, chosen)

    with threads(plan.train.threads):
        if out is not None:
            work()
        else:
            with ledger.station(station, inputs, [folder / "SHA256SUMS"], reporter):
                work()
    return folder


def require_audited(model: Model) -> StoredAudit:
    """The current audit of a model, as far as it concerns images.

    Raises:
        UserError: there is none, or it is stale.
    """
    state = audit_state(model)
    known = load_audit(model)
    if known is None:
        why = "has no privacy audit" if state == "none" else (
            "has a privacy audit that is stale: weights, data or tests have changed since"
        )  # fmt: skip
        raise UserError(
            f"model {model.name!r} {why}, and nothing untested is released",
            where=model.run,
            do=model.command("audit"),
        )
    return known.of_images()


def allow(found: StoredAudit, accept: str | None) -> None:
    """Let a verdict through, or say why nothing is released.

    Raises:
        UserError: it failed, has no power, or nothing could be tested; or there are too few
            subjects and no reason was given.
    """
    verdict = found.verdict()
    first = verdict.reasons[0] if verdict.reasons else verdict.sentence
    if found.result is None:
        raise UserError(
            f"nothing is released, because nothing could be tested: {found.reason}",
            do="without --release, images are written that must stay where the patients' data are",
        )
    if verdict.level == "failed":
        raise UserError(
            f"nothing is released, because the privacy audit failed: {first}",
            do="train with more patients, for fewer images, or with more augmentation; then audit",
        )
    if verdict.level == "no power":
        raise UserError(
            f"nothing is released, because the privacy audit has no power: {first}",
            do="`popgan audit` shows what is missing",
        )
    if verdict.level == "too few subjects to test" and accept is None:
        raise UserError(
            "nothing is released, because there are too few subjects to test: about "
            f"{verdict.needed} patients on each side would be needed",
            do='whoever may decide that can say so: --accept-untested "REASON", which is written '
            "into the set",
        )


def _reason(text: str | None) -> str | None:
    """The reason of an override as one line.

    Raises:
        UserError: it says nothing, or too much.
    """
    if text is None:
        return None
    line = " ".join(text.split())
    if not line or len(line) > _REASON:
        raise UserError(
            "the reason to accept an untested set is empty"
            if not line
            else f"the reason to accept an untested set has {len(line)} characters",
            do=f"say in up to {_REASON} characters who decided, and why; recipients will read it",
        )
    return line


def _save_private(model: Model, chosen: Chosen) -> None:
    """What was left out and for whom: stays with the patients' data."""
    private_folder(model.run)
    folder = owners_folder(model.run / "private" / "releases")
    record = {
        "seed": chosen.audit.seed,
        "equal_to_real_images": chosen.equal,
        "left_out": [flag.model_dump(mode="json") for flag in chosen.dropped],
        "audit": chosen.private.model_dump(mode="json"),
    }
    write_json(folder / f"{model.name}.json", record, mode=0o600)
