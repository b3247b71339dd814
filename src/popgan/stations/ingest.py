"""Station ingest: a folder of scans in, the run's cohort and the page of its quality out."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from popgan.cohort.cohort import Cohort
from popgan.cohort.identity import KEY_FILE
from popgan.cohort.licence import keep_licence
from popgan.cohort.options import IngestOptions
from popgan.errors import UserError
from popgan.files import private_folder
from popgan.progress import Reporter
from popgan.stations.ledger import Ledger
from popgan.stations.model import trained_models
from popgan.stations.quality import quality_page, write_quality

STATION = "ingest"


def ingest_station(
    source: Path,
    run: Path,
    options: IngestOptions,
    *,
    again: bool = False,
    replacing: str | None = None,
    workers: int | None = None,
    strict: bool = False,
    reporter: Reporter,
) -> Cohort:
    """Ingest a folder unless the same folder was ingested with the same options before.

    Args:
        source: folder of scans.
        run: run folder.
        options: choices.
        again: ingest even if nothing has changed.
        replacing: name of a model that is about to be trained anew, so that the cohort may
            change under it.
        workers: processes that open files; see `Cohort.from_folder`.
        strict: whether a file that cannot be used is an error.
        reporter: shows progress.

    Raises:
        UserError: nothing usable in the folder, or the run holds models of another cohort.
    """
    inputs = {"source": Cohort.source_hash(source, options)}
    outputs = [run / "dataset" / "manifest.json", run / "cache" / "slices.npy"]
    ledger = Ledger(run)
    # Where files of the cohort are gone, the same scans and key give the same ones again.
    same = ledger.has_run(STATION, inputs)
    if same and not again:
        try:
            cohort = Cohort.open(run)
        except UserError as error:
            reporter.warning(f"{str(error).split('; ')[0]}: ingesting again")
        else:
            reporter.message(f"[{STATION}] unchanged, skipped")
            keep_licence(source, run)  # which an older version did not
            if not quality_page(run).exists():  # of an older version, or removed
                write_quality(cohort)
            return cohort
    # Which scans are meant stands in the hash; a regular expression may name people.
    asked = options.model_dump(mode="json", exclude={"subjects", "contrast_map"})
    private_folder(run)
    if not same:
        changes = ledger.changes(STATION, asked)
        if not changes and _touched_only(source, run, options, replacing, workers, reporter):
            with ledger.station(STATION, inputs, outputs, reporter, asked=asked):
                reporter.message("the scans are the same, only their files are newer")
                keep_licence(source, run)
            return Cohort.open(run)
        _protect_models(run, changes, replacing)
    elif not options.keep_ids:
        _require_key(run, replacing)
    with ledger.station(STATION, inputs, outputs, reporter, asked=asked):
        cohort = Cohort.from_folder(
            source, run, options=options, reporter=reporter, workers=workers, strict=strict
        )
        reporter.message(f"look at the scans: {write_quality(cohort)}")
    return cohort


def _touched_only(
    source: Path,
    run: Path,
    options: IngestOptions,
    replacing: str | None,
    workers: int | None,
    reporter: Reporter,
) -> bool:
    """Whether the cohort under trained models would come out the same, to the last bit.

    Files that were copied to another disk have new times. To find out is to ingest once more, into
    a folder of its own; without models nobody needs to know.
    """
    if not [name for name in trained_models(run) if name != replacing]:
        return False
    try:
        before = Cohort.open(run)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=run / "private") as folder:
            # Pseudonyms follow from the key. `strict` has its say where the cohort is made, if it
            # comes to that.
            if (key := run / "private" / KEY_FILE).exists():
                shutil.copy(key, private_folder(Path(folder)))
            again = Cohort.from_folder(
                source, folder, options=options, reporter=reporter, workers=workers
            )
            return again.hash == before.hash
    except UserError:
        return False


def _require_key(run: Path, replacing: str | None) -> None:
    """Refuse to make a cohort again with other pseudonyms than trained models know.

    Raises:
        UserError: the key is gone.
    """
    others = [name for name in trained_models(run) if name != replacing]
    if others and not (run / "private" / KEY_FILE).exists():
        raise UserError(
            "the key of pseudonyms is gone, so the same scans would be another cohort than that of "
            f"the trained models ({', '.join(others)})",
            where=run / "private" / KEY_FILE,
            do="restore it, or choose another run folder",
        )


def _protect_models(run: Path, changes: list[str], replacing: str | None) -> None:
    """Refuse to change the cohort under trained models."""
    others = [name for name in trained_models(run) if name != replacing]
    if not others:
        return
    # --subjects and --contrast-map are not written down, so a change of them cannot be told apart.
    unseen = "other or newer scans, or another --subjects or --contrast-map"
    what = f"other options of ingest ({'; '.join(changes)})" if changes else unseen
    plural = "s" if len(others) > 1 else ""
    again = f"; `popgan run SCANS -o RUN --restart` trains {others[0]} anew on them"
    raise UserError(
        f"holds the trained model{plural} {', '.join(others)}, and these are {what}",
        where=run,
        do=f"choose another run folder for them{'' if plural or replacing else again}",
    )
