"""A model of a run: where its files lie, and its plan. Light: no weights are loaded."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.files import private_folder, sha256_file, sha256_value
from popgan.progress import Reporter
from popgan.stations.ledger import Ledger

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Model:
    """One model of a run folder; several lie side by side under RUN/models.

    Attributes:
        run: the run folder.
        name: name of the model; the recipe's unless the user chose another.
    """

    run: Path
    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(
                f"model name {self.name!r} is not usable as a folder",
                do="use letters, digits, - and _",
            )

    @property
    def folder(self) -> Path:
        """RUN/models/NAME."""
        return self.run / "models" / self.name

    @property
    def plan_path(self) -> Path:
        """The model's plan."""
        return self.folder / "plan.yaml"

    @property
    def weights_path(self) -> Path:
        """The averaged generator, once training is complete."""
        return self.folder / "weights.safetensors"

    @property
    def log_path(self) -> Path:
        """The training log."""
        return self.folder / "log.csv"

    @property
    def samples(self) -> Path:
        """Sample grids of fixed latents, one a tick."""
        return self.folder / "samples"

    @property
    def pairs_shown(self) -> Path:
        """Grids of a translator beside the truth, one a tick; private, for they show patients."""
        return self.run / "private" / f"pairs-{self.name}"

    @property
    def checkpoints(self) -> Path:
        """Resumable states; private, because they hold the discriminator."""
        return self.run / "private" / "checkpoints" / self.name

    @property
    def synthetic(self) -> Path:
        """The synthetic data set."""
        return self.run / "synthetic" / self.name

    @property
    def calibration_path(self) -> Path:
        """Of a translator: how wide the interval around an intensity must be."""
        return self.folder / "calibration.json"

    @property
    def domain_path(self) -> Path:
        """Of a translator: what scans it knows."""
        return self.folder / "domain.json"

    @property
    def evaluation_path(self) -> Path:
        """The measured evidence."""
        return self.run / "evaluation" / f"{self.name}.json"

    @property
    def audit_path(self) -> Path:
        """The privacy audit, as far as it can be shared."""
        return self.run / "audits" / f"{self.name}.json"

    @property
    def private_audit_path(self) -> Path:
        """The part of the privacy audit that names patients."""
        return self.run / "private" / "audits" / f"{self.name}.json"

    def plan(self) -> Plan:
        """Load the plan.

        Raises:
            UserError: there is none yet, or it is not valid.
        """
        if not self.plan_path.exists():
            raise UserError(
                f"has no plan for a model {self.name!r}",
                where=self.run,
                do=self.command("plan"),
            )
        try:
            return Plan.load(self.plan_path)
        except UserError as error:
            raise UserError(
                f"{str(error).rstrip('.')} (edited, or made by another version of popgan)",
                do="plan it again with --restart",
            ) from error

    def has_training(self) -> bool:
        """Whether hours may be lost if its plan or its cohort changes."""
        return self.weights_path.exists() or any(self.checkpoints.glob("state-*.safetensors"))

    def command(self, verb: str) -> str:
        """Advice to run another verb on this model first, ready to be pasted."""
        name = f" --name {self.name}" if self.name != "popgan" else ""
        return f"run `popgan {verb} {shlex.quote(str(self.run))}{name}` first"

    @property
    def replaced(self) -> Path:
        """Where a model that is being replaced waits until the new one has a checkpoint."""
        return self.run / "private" / "replaced" / self.name

    def clear(self, reporter: Reporter) -> None:
        """Put training and evidence aside, so that the model starts over.

        They are removed by `drop_replaced`. The synthetic data set stays until another takes its
        place: it says which weights made it.
        """
        # A start that failed before its first checkpoint is worth less than what waits already.
        keep = self.weights_path.exists() or not self.replaced.exists()
        if keep and self.has_training():
            shutil.rmtree(self.replaced, ignore_errors=True)
            private_folder(self.run)
            self.replaced.mkdir(parents=True)
            audited = "; its privacy audit is removed now" if self.audit_path.exists() else ""
            reporter.message(
                f"the former model {self.name} is kept in {self.replaced.relative_to(self.run)} "
                f"until the new one has its first checkpoint{audited}"
            )
        card = self.folder / "MODEL_CARD.md"
        if keep and self.replaced.exists() and self.plan_path.exists():
            shutil.copy(self.plan_path, self.replaced)
        files = [self.weights_path, self.evaluation_path, self.log_path, card]
        files += [self.calibration_path, self.domain_path]
        # Both parts of an audit have one name, so they are not put aside: they are soon made again.
        for path in (self.audit_path, self.private_audit_path):
            path.unlink(missing_ok=True)
        for path in (*files, self.checkpoints, self.samples, self.pairs_shown):
            if keep and path.exists() and self.replaced.exists():
                path.rename(self.replaced / path.name)
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        Ledger(self.run).forget(
            *(f"{station} {self.name}" for station in ("train", "evaluate", "audit"))
        )

    def drop_replaced(self) -> None:
        """Remove the former model: the new one can go on from a checkpoint of its own."""
        shutil.rmtree(self.replaced, ignore_errors=True)

    def require_cohort(self, cohort: str) -> None:
        """Refuse to mix this model with another cohort than the one it was planned for.

        Args:
            cohort: hash of the cohort at hand.

        Raises:
            UserError: it is another one.
        """
        if self.plan().data.cohort != cohort:
            raise UserError(
                f"model {self.name!r} belongs to another cohort than the one ingested now",
                where=self.run,
                do="ingest the former scans again, or plan and train it anew with --restart",
            )

    def plan_hash(self) -> str:
        """Hash of the values of the plan; reasons in words do not count.

        Nor does what the recipe has not, so that a value that a later version adds to other recipes
        changes nothing.
        """
        values = self.plan().model_dump(mode="json", exclude={"decisions"}, exclude_none=True)
        return sha256_value(values)

    def weights_hash(self) -> str:
        """SHA-256 of the weights file.

        Raises:
            UserError: training is not complete.
        """
        if not self.weights_path.is_file():
            raise UserError(
                f"model {self.name!r} is not trained yet",
                where=self.run,
                do=self.command("train"),
            )
        return sha256_file(self.weights_path)


def find_model(run: str | Path, name: str | None = None, *, trained: bool = False) -> Model:
    """The model of a run by name, or its only one.

    Args:
        run: folder of the run.
        name: of the model; None where there is no choice.
        trained: without a name, models that have no weights yet are no choice beside one that has.

    Raises:
        UserError: not a run folder, no such model, or several and no name.
    """
    run = Path(run)
    if not run.is_dir():
        raise UserError("is not a folder", where=run, do="give a run folder made by `popgan run`")
    names = sorted(path.parent.name for path in run.glob("models/*/plan.yaml"))
    if name is None:
        ready = [one for one in names if Model(run, one).weights_path.exists()] if trained else []
        names = ready or names
        if len(names) == 1:
            return Model(run, names[0])
        if not names:
            do = f"run `popgan plan {shlex.quote(str(run))}` first"
            raise UserError("holds no model", where=run, do=do)
        raise UserError(
            f"holds {len(names)} models ({', '.join(names)})", where=run, do="choose with --name"
        )
    if name not in names:
        known = ", ".join(names) or "none"
        raise UserError(f"holds no model {name!r} (there: {known})", where=run)
    return Model(run, name)


def trained_models(run: Path) -> list[str]:
    """Names of the models of a run with weights or checkpoints."""
    names = {path.parent.name for path in run.glob("models/*/weights.safetensors")}
    names |= {path.parent.name for path in run.glob("private/checkpoints/*/state-*.safetensors")}
    return sorted(names)
