"""The files of a release: the data set, its audit, a page of words, and a hash of each of them."""

from __future__ import annotations

from pathlib import Path

from popgan import provenance
from popgan.cohort.cohort import Cohort
from popgan.cohort.faces import has_margins
from popgan.cohort.geometry import to_volume
from popgan.files import sha256_file, write_json
from popgan.progress import Reporter
from popgan.stations.draw import Wish, said_of, told_of
from popgan.stations.generate import skull_stripped
from popgan.stations.model import Model
from popgan.stations.release_choice import Chosen
from popgan.stations.release_note import release_note
from popgan.synthesis.bids import write_bids
from popgan.synthesis.bids_metadata import UNTESTED, is_synthetic

SUMS = "SHA256SUMS"
NOTE = "RELEASE.md"
AUDIT = "audit.json"
_IGNORE = ".bidsignore"
_TESTED = """\
- RELEASE.md says what was tested of privacy on these images, what was not, and what they may be
  used for. They are not known to be anonymous.
"""


def write_release(
    model: Model,
    cohort: Cohort,
    part: Path,
    chosen: Chosen,
    seed: int,
    wish: Wish,
    reporter: Reporter,
) -> None:
    """Write a release into an empty folder.

    Raises:
        UserError: a full disk.
    """
    plan = model.plan()
    told, notes = told_of(model, wish)
    for note in notes:
        reporter.warning(note)
    margins = has_margins(cohort.preparation())
    # It leaves the house: what few patients share is not said.
    drawn = said_of(model, told, seed, chosen.indices, wish, spare=True)
    stripped = skull_stripped(cohort.fingerprint, margins=margins)
    write_bids(
        part,
        chosen.images,
        codes=chosen.codes,
        contrasts=plan.data.contrasts,
        reporter=reporter,
        to_volume=to_volume,
        affine=cohort.affine,
        spacing=cohort.spacing,
        model=model.name,
        seed=seed,
        indices=chosen.indices,
        whole=plan.generate.n,
        provenance=provenance.record(),
        plan_hash=model.plan_hash(),
        weights_hash=chosen.audit.weights,
        labels=None if told is None else told.labels_at(seed, chosen.indices),
        drawn=drawn,
        skull_stripped=stripped,
        margins=margins,
        source_hash=cohort.hash,
        masks=plan.data.masks,
    )
    readme = part / "README"
    text = readme.read_text(encoding="utf-8").replace(UNTESTED, _TESTED)
    readme.write_text(text, encoding="utf-8")
    write_json(part / AUDIT, chosen.audit.model_dump(mode="json"))
    text = release_note(model.name, plan, chosen.audit, drawn, skull_stripped=stripped)
    (part / NOTE).write_text(text, encoding="utf-8")
    _ignore(part / _IGNORE)
    (part / SUMS).write_text("".join(sums(part)), encoding="utf-8")


def sums(folder: Path) -> list[str]:
    """A line a file, as `sha256sum -c` reads them; paths are relative."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    return [f"{sha256_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]


def is_intact(folder: Path) -> bool:
    """Whether a release holds exactly the files that its hashes name, unchanged."""
    try:
        return "".join(sums(folder)) == (folder / SUMS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def is_release(folder: Path) -> bool:
    """Whether popgan has written the release in this folder, so that it may be replaced."""
    return is_synthetic(folder) and (folder / SUMS).exists() and (folder / NOTE).exists()


def _ignore(path: Path) -> None:
    """Tell checkers of BIDS which files are not of its names."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before + "".join(f"{name}\n" for name in (AUDIT, NOTE, SUMS)), encoding="utf-8")
