"""What is known about values of a plan that there is; nothing is planned or measured for it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset, preset_names
from popgan.config.preset_model import plan_value
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.evidence.experiments.results import Sensitivity
from popgan.files import read_json
from popgan.planning.alternatives import Circumstances, alternatives, set_by_user
from popgan.planning.explain import Explanation, explain, named_values
from popgan.planning.facts import CohortFacts
from popgan.planning.origins import ORIGINS
from popgan.planning.start import Start
from popgan.stations.ledger import Ledger
from popgan.stations.machine import SPEEDS, facts_behind, load_machine
from popgan.stations.model import Model, find_model
from popgan.stations.presets import find_preset, tuned_name

MOST_BYTES = 2**26
"""A larger file of results is not one that popgan wrote for a page."""
_OPTIONS = ("preset", "recipe", "budget", "seed")
_DEFAULTS = {"preset": "quick", "recipe": "popgan", "seed": 0}
_TRUSTED = 0.3  # R^2 of the forest from which shares mean something


def planned_model(run: Path, name: str | None, recipe: str) -> Model | None:
    """The model whose plan is to be explained; None where there is no plan yet.

    Args:
        run: the run folder.
        name: as the user gave it.
        recipe: likewise, or the default.

    Raises:
        UserError: there are plans, but none of that name; or several, none of them named after
            the recipe.
    """
    model = Model(run, name or recipe)
    if model.plan_path.exists():
        return model
    if not any(run.glob("models/*/plan.yaml")):
        return None
    if name is not None or recipe == _DEFAULTS["recipe"]:
        return find_model(run, name)
    return None


def refuse_other_wishes(model: Model, wishes: Mapping[str, Any]) -> None:
    """Refuse options of planning that the plan was not made with: explaining plans nothing.

    Args:
        model: whose plan is to be explained.
        wishes: what the user gave: preset, recipe, budget, seed, values by dotted name.

    Raises:
        UserError: one differs from what the plan was made with.
    """
    before = _former(model, model.plan())
    given = {name: value for name, value in wishes.items() if value != _DEFAULTS.get(name)}
    for name, value in given.items():
        if before.get(name) != value:
            was = before.get(name)
            former = "not given" if was is None else str(was)
            raise UserError(
                f"--explain shows the plan that there is, which was made otherwise ({name} "
                f"{former}, not {value})",
                where=model.run,
                do="leave the option out, or plan first without --explain",
            )


def explain_model(model: Model, asked: Sequence[str]) -> list[Explanation]:
    """Explain values of a model's plan.

    Args:
        model: with a plan.
        asked: names of values or sections.

    Raises:
        UserError: there is no such value, or the run folder is damaged.
    """
    plan = model.plan()
    names = named_values(plan, asked)
    cohort, machine = Cohort.open(model.run), load_machine(model)
    former = _former(model, plan)
    around = Circumstances(
        budget=former.get("budget"),
        machine=facts_behind(model, plan),
        facts=CohortFacts.of(cohort.fingerprint),
        tuning_subjects=len(set(cohort.subjects("tuning"))),
        prior=_what_fits,
    )
    own = _preset(plan.preset, plan.recipe, model.run)
    told = {
        "budget": former.get("budget") or (own.budget if own else None),
        "cohort.tuning_subjects": around.tuning_subjects,
        "cohort.noise": around.facts.noise,
        "machine.cores": around.machine.cores,
        "machine.bf16": around.machine.bf16,
        "machine.memory_gib": around.machine.room_gib,
        f"machine.{SPEEDS}": machine.get(SPEEDS),
    }
    decided = [name for name in names if name in ORIGINS]
    others = alternatives(plan, decided, _others(plan, model.run), around)
    if own is not None:  # what it would be if the user had not set it
        for name, first in alternatives(plan, set_by_user(plan, decided), [own], around).items():
            others[name] = [*first, *others[name]]
    found = measured(model.run, plan)
    return [
        explain(
            plan,
            name,
            preset=own,
            around=told,
            presets=others.get(name, ()),
            command=_command(model, former, name),
            measured=found.get(name, ()),
        )
        for name in names
    ]


def _former(model: Model, plan: Plan) -> dict[str, Any]:
    """What was asked for when the plan was made; of one made from Python, what the plan says."""
    entry = Ledger(model.run).stations().get(f"plan {model.name}")
    if entry is not None:
        return dict(entry.asked)
    values = dict(leaves(plan))
    own = {name: values[name] for name in set_by_user(plan, list(values))}
    return {"preset": plan.preset, "recipe": plan.recipe, "seed": plan.seed, **own}


def measured(run: Path, plan: Plan) -> dict[str, list[str]]:
    """What studies of a run have found about values of a plan, a sentence each; {} if nothing.

    A file that is missing or damaged says nothing, and nothing else is wrong with it here.
    """
    found: dict[str, list[str]] = {}
    for path in sorted((run / "ablation").glob("*/results.json")):
        try:
            if path.stat().st_size > MOST_BYTES:
                continue
            data = read_json(path)
            if data.get("recipe") != plan.recipe or not data.get("sensitivity"):
                continue
            sensitivity = Sensitivity.model_validate(data["sensitivity"])
            elsewhere = data.get("cohort") not in (None, "", plan.data.cohort)
        except (UserError, OSError, AttributeError, ValidationError):
            continue
        for place, one in enumerate(sensitivity.importances):
            words = f"study {path.parent.name}{' of another cohort' if elsewhere else ''}: "
            words += _importance(sensitivity, place)
            found.setdefault(plan_value(one.name), []).append(words)
    return found


def _importance(found: Sensitivity, place: int) -> str:
    one, count = found.importances[place], len(found.importances)
    ranks = dict.fromkeys((one.rank_low, one.rank_high))
    words = (
        f"{one.name} explains {one.share:.0%} of the variance of a forest's prediction of KID, in "
        f"which weaker values come out too small ({one.low:.0%} to {one.high:.0%} over resampled "
        f"trials), rank {' to '.join(map(str, ranks))} of {count}; {found.n} trials"
    )
    if found.r2 is not None:
        words += f", R^2 of the forest {found.r2:.2f}"
        words += ", so low that the share means little" if found.r2 < _TRUSTED else ""
    curves = [part for part in found.slices if part.name == one.name]
    points = [
        (kid, at)
        for part in curves
        for at, kid in zip(part.at, part.marginal, strict=False)
        if kid is not None
    ]
    if points:
        best = min(points, key=lambda point: point[0])[1]
        shown = f"{best:.3g}" if isinstance(best, float) else str(best)
        words += f"; KID is predicted lowest at {shown}"
    return words


def _others(plan: Plan, run: Path) -> list[Preset]:
    """The other presets of the plan's recipe; what a study has found among them."""
    names = [*preset_names(plan.recipe), *filter(None, [tuned_name(plan.recipe, run)])]
    found = [_preset(name, plan.recipe, run) for name in names if name != plan.preset]
    return [preset for preset in found if preset is not None]


def _preset(name: str, recipe: str, run: Path) -> Preset | None:
    """A preset, or None if it cannot be read (any more)."""
    try:
        return find_preset(name, recipe, run).preset
    except UserError:
        return None


def _what_fits(plan: Plan) -> Start | None:
    """What of the physics prior a plan's networks can take."""
    # Networks are built for it; most values can be explained without importing torch.
    from popgan.stations.plan import what_prior_fits

    return what_prior_fits(plan)


def _command(model: Model, former: Mapping[str, Any], without: str) -> str:
    """The command that made the plan, as far as options differ from the defaults.

    Args:
        model: of the plan.
        former: what was asked for.
        without: the value that is to be changed.
    """
    parts = ["popgan", "plan", str(model.run)]
    for name in _OPTIONS:
        value = former.get(name)
        if value is not None and value != _DEFAULTS.get(name) and name != without:
            parts += [f"--{name}", str(value)]
    if model.name != former.get("recipe"):
        parts += ["--name", model.name]
    for name, value in former.items():
        if name not in (*_OPTIONS, "study", without):
            parts += ["--set", f"{name}={_text(value)}"]
    if model.has_training():
        parts.append("--restart")
    return shlex.join(parts)


def _text(value: Any) -> str:
    """A value as `--set` reads it."""
    return (
        str(yaml.safe_dump(value, default_flow_style=True, width=10**6)).split("\n...")[0].strip()
    )
