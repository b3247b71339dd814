"""Station ingest: a folder of scans in, the run's cohort out."""

from __future__ import annotations

from pathlib import Path

from popgan.cohort.cohort import Cohort
from popgan.cohort.options import IngestOptions
from popgan.errors import UserError
from popgan.files import private_folder
from popgan.progress import Reporter
from popgan.stations.ledger import Ledger

STATION = "ingest"


def ingest_station(
    source: Path, run: Path, options: IngestOptions, *, restart: bool, reporter: Reporter
) -> Cohort:
    """Ingest a folder unless the same folder was ingested with the same options before.

    Raises:
        UserError: nothing usable in the folder, or the run holds models of another cohort.
    """
    inputs = {"source": Cohort.source_hash(source, options)}
    outputs = [run / "dataset" / "manifest.json", run / "cache" / "slices.npy"]
    ledger = Ledger(run)
    if not restart and ledger.is_done(STATION, inputs):
        reporter.message(f"[{STATION}] unchanged, skipped")
        return Cohort.open(run)
    if not restart and any(run.glob("models/*/weights.safetensors")):
        raise UserError(
            "holds a model of other scans or other options of ingest",
            where=run,
            do="choose another run folder, or --restart to start over",
        )
    private_folder(run)
    with ledger.station(STATION, inputs, outputs, reporter):
        return Cohort.from_folder(source, run, options=options, reporter=reporter)
