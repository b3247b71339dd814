"""The cells of the engine's quality as a page of Markdown; its words follow from the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

Cells = Mapping[str, Mapping[str, Any]]
BEST = "popgan standard"
IN_FULL = " in fp32"
"""Ends the name of a setting that has the minutes of the one without, but another precision."""
ENOUGH = 0.15  # KID that the prior should reach
SHARE = 1 / 3  # of scratch's time that the prior should need


def table(cells: Cells, drawn: Sequence[str]) -> str:
    """The page.

    Args:
        cells: by name, as `quality_store` keeps them.
        drawn: file names of the figures.
    """
    parts = [_head(cells), _scale(cells), _recipes(cells), _precision(cells)]
    parts += [_prior(cells, drawn), _large(cells), _classifier(cells)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def values(cells: Cells, group: str) -> dict[str, dict[int, Any]]:
    """Values of a group: setting -> seed -> value."""
    found: dict[str, dict[int, Any]] = {}
    for name, record in cells.items():
        parts = name.split("/")
        if parts[0] == group and len(parts) == 3:
            found.setdefault(parts[1], {})[int(parts[2])] = record["value"]
    return found


def kids(seeds: Mapping[int, Any]) -> list[float]:
    """KID of every seed that was trained to its end."""
    return [value["scores"]["kid"]["value"] for value in seeds.values() if "scores" in value]


def spread(found: Sequence[float]) -> float | None:
    """Standard deviation over seeds; None with fewer than two."""
    return stdev(found) if len(found) > 1 else None


def verdict(measured: Mapping[str, Sequence[float]], best: str) -> str:
    """Whether one setting is below every other by more than the seed spread.

    The spread of a pair is the larger of both standard deviations over seeds.
    """
    others = {name: found for name, found in measured.items() if name != best and found}
    if not others or not measured.get(best):
        return "Nothing to compare yet."
    own, own_spread = mean(measured[best]), spread(measured[best])
    above: list[str] = []
    within: list[str] = []
    unknown: list[str] = []
    below: list[str] = []
    for name, found in others.items():
        spreads, difference = (own_spread, spread(found)), mean(found) - own
        if None in spreads:
            unknown.append(name)
        elif abs(difference) <= max(each for each in spreads if each is not None):
            within.append(name)
        else:
            (above if difference > 0 else below).append(name)
    if len(above) == len(others):
        return f"{best} has the lowest KID, below every other by more than the seed spread."
    lines = [
        (above, "is below {} by more than the seed spread"),
        (within, "cannot be told from {}: the difference is within the seed spread"),
        (below, "is above {} by more than the seed spread"),
        (unknown, "has too few seeds to be compared with {}"),
    ]
    words = [text.format(" and ".join(names)) for names, text in lines if names]
    return f"{best} " + "; it ".join(words) + "."


def reached(points: Sequence[Mapping[str, float]], kid: float) -> float | None:
    """Minutes of the first point of a curve at or below a KID; None if there is none."""
    return next((point["minutes"] for point in points if point["kid"] <= kid), None)


def rows(names: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """A table of Markdown."""
    head = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return head + ["| " + " | ".join(line) + " |" for line in lines]


def _head(cells: Cells) -> list[str]:
    lines = ["# Quality of the engine", ""]
    if "speeds" not in cells:
        return [*lines, "Speeds are not measured yet."]
    record = cells["speeds"]
    value, machine, versions = record["value"], record["machine"], record["versions"]
    described = [
        (entry["name"], " / ".join(f"{speed:.3g}" for speed in _used(entry["images_per_second"])))
        for entry in value["shapes"].values()
    ]
    commits = ", ".join(sorted({each["commit"] for each in cells.values()}))
    return [
        *lines,
        f"{machine['cpu']}, {machine['memory_gib']} GiB; torch {versions['torch']}; commits "
        f"{commits}. KID is measured on features of EfficientNet-Lite0 at 160 pixels.",
        "",
        "## Speeds",
        "",
        f"Medians of {value['rounds']} alternating rounds with {value['threads']} threads (load "
        f"before: {value['load_before']}). Every training below has as many images as its minutes "
        "come to at these speeds, so its result does not depend on how busy the machine was.",
        "",
        *rows(("setting", "images/s at its levels"), described),
    ]


def _used(speeds: Sequence[float]) -> list[float]:
    """Speeds without the levels that are not trained, for which the probe says 1."""
    return [speed for number, speed in enumerate(speeds) if speed != 1 or number == len(speeds) - 1]


def _scale(cells: Cells) -> list[str]:
    found = {
        name.split("/")[1]: record["value"]
        for name, record in cells.items()
        if name.startswith("scale/")
    }
    lines = [
        (
            cohort,
            *(_with_interval(value[name]) for name in ("floor", "blurred")),
            f"{value['mean image']['value']:.3g}",
            str(value["subjects"]),
        )
        for cohort, value in found.items()
    ]
    names = ("cohort", "training slices (floor)", "blurred by 0.8 px", "mean image", "subjects")
    return ["## KID of images that are no generator's", "", *rows(names, lines)] if lines else []


def _with_interval(value: Mapping[str, float]) -> str:
    return f"{value['value']:.3g} ({value['low']:.3g} to {value['high']:.3g})"


def _recipes(cells: Cells) -> list[str]:
    found = values(cells, "recipes")
    if not found:
        return []
    lines, notes = [], []
    for name, seeds in sorted(found.items(), key=lambda item: mean(kids(item[1]) or [1e9])):
        measured, sd = kids(seeds), spread(kids(seeds))
        trained = [value for value in seeds.values() if "images" in value]
        lines.append(
            (
                name,
                f"{trained[0]['images']}" if trained else "-",
                f"{trained[0]['minutes']:.3g}" if trained else "-",
                ", ".join(f"{kid:.3g}" for kid in measured) or "-",
                f"{mean(measured):.3g}" if measured else "-",
                "-" if sd is None else f"{sd:.2g}",
                str(len(measured)),
            )
        )
        notes += [
            f"- {name}, seed {seed}: {value.get('failed') or value['refused']}"
            for seed, value in seeds.items()
            if "scores" not in value
        ]
    names = ("setting", "images", "minutes", "KID of each seed", "mean", "SD", "seeds")
    return [
        "## Recipes at equal time, from scratch",
        "",
        *rows(names, lines),
        "",
        verdict({name: kids(seeds) for name, seeds in found.items()}, BEST),
        *(["", *notes] if notes else []),
    ]


def _precision(cells: Cells) -> list[str]:
    half = values(cells, "recipes")
    equal, timed = [], []
    for group in ("precision", "precision-stylegan2"):
        for name, seeds in values(cells, group).items():
            twins = half.get(name.removesuffix(IN_FULL), {})
            if name.endswith(IN_FULL):
                images = [str(_images_of(side)) for side in (twins, seeds)]
                line = _held(name.removesuffix(IN_FULL), kids(twins), kids(seeds))
                timed += [(line[0], *images, *line[1:])] if line else []
                continue
            pairs = [seed for seed in sorted(set(seeds) & set(twins)) if _alike(seeds, twins, seed)]
            a, b = (kids({seed: side[seed] for seed in pairs}) for side in (twins, seeds))
            line = _held(name, a, b)
            equal += [line] if line else []
    names = ("setting", "bf16", "fp32", "difference of means", "within the seed spread")
    longer = (names[0], "images in bf16", "in fp32", *names[1:])
    return [
        *(["## bf16 against fp32 at equal images (KID)", "", *rows(names, equal)] if equal else []),
        *([""] if equal and timed else []),
        *(["## bf16 against fp32 at equal time (KID)", "", *rows(longer, timed)] if timed else []),
    ]


def _held(name: str, bf16: Sequence[float], fp32: Sequence[float]) -> tuple[str, ...] | None:
    """A line that holds one precision against the other; None where there is nothing to hold."""
    if not bf16 or not fp32:
        return None
    spreads = [each for each in (spread(bf16), spread(fp32)) if each is not None]
    within = "one seed" if not spreads else "no"
    if spreads and abs(mean(bf16) - mean(fp32)) <= max(spreads):
        within = "yes"
    sides = [", ".join(f"{kid:.3g}" for kid in side) for side in (bf16, fp32)]
    return (name, *sides, f"{mean(bf16) - mean(fp32):+.2g}", within)


def _images_of(seeds: Mapping[int, Any]) -> int:
    """Images that each seed was trained on, on average."""
    return round(mean(value["images"] for value in seeds.values()))


def _alike(one: Mapping[int, Any], other: Mapping[int, Any], seed: int) -> bool:
    """Whether both were trained to their end, with as many images."""
    pair = one[seed], other[seed]
    return all("scores" in value for value in pair) and pair[0]["images"] == pair[1]["images"]


def _prior(cells: Cells, drawn: Sequence[str]) -> list[str]:
    found = values(cells, "prior")
    lines, words = [], []
    for name, seeds in found.items():
        for seed, value in sorted(seeds.items()):
            if value.get("points"):
                last = value["points"][-1]
                end = f"{last['kid']:.3g} (SE {last['error']:.2g})"
                lines.append((name, str(seed), str(value["images"]), f"{last['minutes']:.3g}", end))
    for cohort in sorted({name.split(" ")[0] for name in found}):
        for seed in sorted(found.get(f"{cohort} phantom", {})):
            words += _compared(found, cohort, seed)
    if not lines:
        return []
    pictures = [f"![KID over minutes]({name})" for name in drawn]
    names = ("cohort and start", "seed", "images", "minutes", "KID at the end")
    return [
        "## With the prior and without",
        "",
        *rows(names, lines),
        *(["", *words] if words else []),
        *(["", *pictures] if pictures else []),
    ]


def _compared(found: Mapping[str, Mapping[int, Any]], cohort: str, seed: int) -> list[str]:
    """What the curves of one cohort and seed say."""
    prior = found[f"{cohort} phantom"][seed].get("points") or []
    scratch = found.get(f"{cohort} scratch", {}).get(seed, {}).get("points") or []
    third = found.get(f"{cohort} phantom, third", {}).get(seed, {}).get("points") or []
    lines = []
    if prior:
        at = reached(prior, ENOUGH)
        word = f"first at minute {at:.3g}" if at else "not reached"
        lines.append(f"- {cohort}, seed {seed}: KID {ENOUGH} with the prior: {word}.")
    if prior and scratch:
        end, length = scratch[-1]["kid"], scratch[-1]["minutes"]
        at = reached(prior, end)
        word = f"reached it at minute {at:.3g} of the long run" if at else "did not reach it"
        text = f"- {cohort}, seed {seed}: scratch ends at {end:.3g} after {length:.3g} minutes; "
        text += f"the prior {word}"
        if third:
            kept = third[-1]["kid"] <= end and third[-1]["minutes"] <= length * SHARE * 1.02
            text += f", and a run of {third[-1]['minutes']:.3g} minutes ends at "
            text += f"{third[-1]['kid']:.3g} ({'at most' if kept else 'above'} scratch's)"
        lines.append(f"{text}.")
    return lines


def _large(cells: Cells) -> list[str]:
    lines = []
    for seeds in values(cells, "large").values():
        for seed, value in sorted(seeds.items()):
            if "scores" in value:
                kid = value["scores"]["kid"]
                mean_image = kid["ceilings"]["mean image"]
                share = f"{kid['value'] / mean_image:.0%}"
                line = (str(seed), str(value["images"]), f"{value['minutes']:.3g}", value["init"])
                lines.append((*line, _with_interval(kid), f"{mean_image:.3g}", share))
    names = ("seed", "images", "minutes", "start", "KID", "mean image's", "share")
    shown = ["", "![synthetic slices](quality-128.png)"]
    return ["## 128 x 128", "", *rows(names, lines), *shown] if lines else []


def _classifier(cells: Cells) -> list[str]:
    lines, notes = [], []
    for seeds in values(cells, "classifier").values():
        for seed, value in sorted(seeds.items()):
            if "classifier" not in value:
                continue
            found = value["classifier"]
            for name, own in found["classifiers"].items():
                sides = [
                    f"{own[side]:.3g} ({own[f'{side}_low']:.3g} to {own[f'{side}_high']:.3g})"
                    for side in ("real", "synthetic", "ratio")
                ]
                lines.append((str(seed), name, *sides))
            chance = found["permuted"]
            counts, people = found["slices"], found["subjects"]
            notes.append(
                f"- seed {seed}: {counts['test']} held-out slices of {people['test']} patients, "
                f"{counts['twins']} synthetic twins; learnt from {counts['train']} slices of "
                f"{people['train']} others. Permuted labels (mean, least, most of the accuracies): "
                f"real {_three(chance['real'])}, synthetic {_three(chance['synthetic'])}. Height "
                f"alone: {found['height_alone']:.3g}. Start of the generator: {value['init']}, KID "
                f"{_with_interval(value['scores']['kid'])}."
            )
    names = ("seed", "classifier", "accuracy, real", "accuracy, synthetic", "ratio")
    title = "## Tumour or none, matched for slice height (LGG FLAIR)"
    return [title, "", *rows(names, lines), "", *notes] if lines else []


def _three(found: Sequence[float]) -> str:
    return " / ".join(f"{value:.3g}" for value in found)
