"""Made-up results of a search and of an ablation that look like real ones, from a fixed seed."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import stats

from popgan.evidence.experiments import groups
from popgan.evidence.experiments.results import (
    AblationResult,
    AnovaRow,
    Candidate,
    Contrast,
    FactorEffect,
    Factorial,
    Finals,
    Importance,
    Pair,
    Point,
    Replicate,
    SearchSpace,
    Sensitivity,
    Slice,
    Spread,
    Trial,
    TuneResult,
    Variant,
)

RUNGS = [0.45, 0.6, 0.8]
COHORT = "c0ffee" + "0" * 58  # of `report_fixtures.plan`
SD = 0.021


def space():
    def ranged(name, low, high, default, log=True, whole=False, **more):
        return SearchSpace(name=name, low=low, high=high, log=log, whole=whole, default=default,
                           **more)  # fmt: skip

    def choice(name, choices, default, **more):
        return SearchSpace(name=name, choices=choices, default=default, **more)

    return [
        ranged("train.lr_generator", 5e-4, 1e-2, 3e-3, about="step of the generator"),
        ranged("train.lr_discriminator", 5e-4, 1e-2, 3e-3, about="step of the discriminator"),
        choice("train.batch", [4, 8, 16, 32], 8, about="images a step"),
        choice("preset.channel_base", [768, 1536, 3072], 1536, about="width of the networks"),
        ranged("network.latent_dim", 32, 512, 128, whole=True, about="length of the latent"),
        choice("train.loss", ["rpgan", "hinge", "non-saturating"], "rpgan"),
        choice("train.r2", [True, False], True, when={"train.loss": "rpgan"}),
        ranged("preset.gamma_at_64", 0.02, 5.0, 0.25, about="weight of the gradient penalty"),
        ranged("augmentation.probability", 0.0, 0.8, 0.4, log=False),
        ranged("network.dropout", 0.0, 0.3, 0.0, log=False),
        ranged("preset.low_levels", 0.2, 0.7, None, log=False, about="share of images below"),
    ]


def drawn(rng):
    """A setting from the space."""
    found = {}
    for one in space():
        if any(found.get(name) != value for name, value in one.when.items()):
            continue
        if one.choices:
            found[one.name] = one.choices[rng.integers(len(one.choices))]
        elif one.log:
            value = math.exp(rng.uniform(math.log(one.low), math.log(one.high)))
            found[one.name] = round(value) if one.whole else float(f"{value:.4g}")
        else:
            found[one.name] = round(float(rng.uniform(one.low, one.high)), 3)
    return found


def true_kid(setting):
    """What a setting is worth without noise."""
    lr, gamma = setting.get("train.lr_generator", 3e-3), setting.get("preset.gamma_at_64", 0.25)
    other = setting.get("train.lr_discriminator", 3e-3)
    kid = 0.30 + 0.05 * math.log(lr / 4e-3) ** 2 + 0.02 * math.log(gamma / 0.6) ** 2
    kid += 0.02 * math.log(lr / other) ** 2 + 0.01 * math.log2(setting.get("train.batch", 8) / 8)
    kid += {"rpgan": 0.0, "hinge": 0.05, "non-saturating": 0.12}[setting.get("train.loss", "rpgan")]
    return kid + 0.2 * (setting.get("augmentation.probability", 0.4) - 0.5) ** 2


def curve(rng, kid, stop=1.0, planned=41_000):
    """Points at the rungs until `stop`, and at the last snapshots."""
    shares = [share for share in [*RUNGS, 0.9, 0.95, 1.0] if share <= stop]
    return [
        Point(
            images=round(planned * share),
            share=share,
            seconds=180 * share,
            kid=max(0.01, kid + 1.6 * math.exp(-3.4 * share) - 0.05 + 0.012 * float(rng.normal())),
            error=0.02,
        )
        for share in shares
    ]


_ENDS = {
    7: ("pruned", "behind the best third at 45 % of the images", 0.45),
    6: ("pruned", "behind the best third at 60 % of the images", 0.6),
    9: ("out of memory", "needed more than 7.8 GiB", 0.0),
    11: ("pruned", "behind the best third at 45 % of the images", 0.45),
    13: ("failed", "not a number in the generator's weights after 9,200 images", 0.0),
    14: ("pruned", "behind the best third at 45 % of the images", 0.45),
    17: ("infeasible", "coverage 0.41 is below 0.8 of the floor 0.83", 1.0),
    18: ("pruned", "behind the best third at 80 % of the images", 0.8),
    21: ("pruned", "behind the best third at 45 % of the images", 0.45),
}


def trial(rng, number, setting, purpose="sampled", seed=0, kid=None):
    state, reason, stop = _ENDS.get(number, ("complete", "", 1.0))
    kid = true_kid(setting) + SD * float(rng.normal()) if kid is None else kid
    ended = state in ("complete", "infeasible")
    return Trial(
        number=number,
        purpose=purpose,
        setting=setting,
        seed=seed,
        state=state,
        reason=reason,
        kid=kid if ended else None,
        error=0.018 if ended else None,
        points=curve(rng, kid, stop),
        coverage=0.41 if state == "infeasible" else 0.78 if ended else None,
        coverage_floor=0.83 if ended else None,
        diversity=0.93 if ended else None,
        images=round(41_000 * stop) or 9_200,
        planned=41_000,
        seconds=180 * stop or 41.5,
        overhead=1.2,
        worker="node-7.hospital.example/4711",
    )


def tuned(trials=24, chosen=1, seeds=3, **changes):
    """A search with finals.

    Args:
        trials: of the search, four of them the default; those of the finals come on top.
        chosen: place among the finals.
        seeds: of the finals.
    """
    rng = np.random.default_rng(11)
    found = [trial(rng, 0, {}, "default", kid=0.349)]
    found += [trial(rng, i, {}, "seed spread", i, 0.352 + SD * float(rng.normal()))
              for i in range(1, min(4, trials))]  # fmt: skip
    for number in range(4, trials):
        setting = drawn(rng)
        if number == 5:
            setting = {"train.batch": 16, "train.lr_generator": 0.002}
        elif number > 9:  # a sampler that has learnt something
            rate = float(f"{rng.uniform(2e-3, 6e-3):.3g}")
            setting |= {"train.loss": "rpgan", "train.r2": True, "train.lr_generator": rate}
        found.append(trial(rng, number, setting, "warm start" if number == 5 else "sampled"))
    same = [one.kid for one in found[:4]]
    complete = sorted((t for t in found[4:] if t.state == "complete"), key=lambda t: t.kid)
    finals = _finals(rng, complete[:3], chosen, seeds)
    number = len(found)
    for candidate in finals.candidates:
        for seed, kid in zip(finals.seeds, candidate.values, strict=True):
            found.append(trial(rng, number, candidate.setting, "final", seed, kid))
            number += 1
    sd = float(np.std(same, ddof=1)) if len(same) > 1 else None
    values = {
        "name": "popgan",
        "recipe": "popgan",
        "preset": "quick",
        "shape": (32, 32),
        "subjects": 28,
        "slices": 672,
        "tuning_subjects": 6,
        "tuning_slices": 144,
        "seconds": 180.0,
        "rungs": RUNGS,
        "space": space(),
        "trials": found,
        "spread": None if sd is None else Spread(values=same, sd=sd, tie=2 * sd),
        "finals": finals,
        "machine": "Example CPU, 2 cores",
        "cohort": COHORT,
    }
    return TuneResult(**(values | changes))


def _finals(rng, best, chosen, seeds):
    luck = 0.8 * SD * rng.normal(size=seeds)
    default = [float(0.355 + kid) for kid in luck]
    candidates = [Candidate(trial=None, setting={}, searched=0.349, values=default,
                            mean=float(np.mean(default)))]  # fmt: skip
    for place, found in enumerate(best):
        values = [float(0.297 + 0.03 * place + kid + 0.4 * SD * rng.normal()) for kid in luck]
        between = groups.gap(values, default)
        candidates.append(Candidate(trial=found.number, setting=found.setting, searched=found.kid,
                                    values=values, mean=float(np.mean(values)),
                                    low=between.low, high=between.high))  # fmt: skip
    reason = "trial 15 over 3 fresh seeds: KID 0.293, the default 0.350"
    if not chosen:
        reason = (
            f"the default stays: a tie, the interval includes 0; the best of the others, {reason}"
        )
    return Finals(seeds=[101, 102, 103][:seeds], candidates=candidates, chosen=chosen,
                  reason=reason)  # fmt: skip


def interval(gaps):
    """95 % interval of a mean after Student; nothing for one value."""
    n = len(gaps)
    if n < 2:
        return None, None
    half = stats.t.ppf(0.975, n - 1) * np.std(gaps, ddof=1) / math.sqrt(n)
    return float(np.mean(gaps) - half), float(np.mean(gaps) + half)


# name, kind, what it costs or gains, in words
_VARIANTS = [
    ("default", "default", 0.0, "the preset as it is"),
    ("paper", "paper", 0.71, "the published cell: latent 256, rate 1e-4, dropout 0.3, 6000 steps"),
    ("no growing", "out", 0.085, "the top level from the first image on"),
    ("no dropout", "out", 0.004, "dropout 0"),
    ("no augmentation", "out", 0.047, "images as they are"),
    ("no EMA", "out", 0.128, "the last weights instead of their average"),
    ("no likeness matching", "out", 0.03, "no penalty on samples that are too alike"),
    ("bare", "bare", 0.31, "all of these parts out"),
    ("bare with growing", "in", -0.1, "growing put into the bare model"),
    ("bare with EMA", "in", -0.17, "averaging put into the bare model"),
    ("bare with augmentation", "in", -0.012, "augmentation put into the bare model"),
]


def ablated(seeds=5, **changes):
    """An ablation with a factorial and a sensitivity study."""
    rng = np.random.default_rng(5)
    names = list(range(21, 21 + seeds))
    luck = 0.5 * SD * rng.normal(size=seeds)
    default = 0.33
    worth = {name: default + gap for name, _, gap, _ in _VARIANTS}
    for name, kind, gap, _ in _VARIANTS:
        if kind == "in":
            worth[name] = worth["bare"] + gap
    scores = {name: kid + luck + SD * rng.normal(size=seeds) for name, kid in worth.items()}
    runs = [_run(rng, name, seed, float(kid)) for name, kids in scores.items()
            for seed, kid in zip(names, kids, strict=True)]  # fmt: skip
    if seeds > 1:
        gone = {"kid": None, "reason": "out of memory", "points": []}
        runs[-1] = runs[-1].model_copy(update=gone)
    contrasts = [
        _contrast(name, "bare" if kind == "in" else "default", scores, seeds,
                  seeds > 1 and name == runs[-1].variant)
        for name, kind, _, _ in _VARIANTS[1:]
    ]  # fmt: skip
    values = {
        "name": "popgan",
        "recipe": "popgan",
        "preset": "standard",
        "shape": (32, 32),
        "seeds": names,
        "seconds": 180.0,
        "variants": [Variant(name=name, kind=kind, setting={}, about=about)
                     for name, kind, _, about in _VARIANTS]
        + [Variant(name="no prior", kind="out", setting={},
                   about="the default is without it anyway",
                   impossible="the default starts from no prior, so there is none to take out")],
        "runs": runs,
        "contrasts": _holm(contrasts),
        "anova": anova(),
        "factorial": factorial(),
        "sensitivity": sensitivity(),
        "budget": "Equal budgets: 180 s each, 40,112 to 41,940 images.",
        "cautions": ["Only 6 subjects are in the tuning split."],
        "machine": "Example CPU, 2 cores",
        "cohort": COHORT,
        "tuning_subjects": 6,
        "tuning_slices": 144,
    }  # fmt: skip
    return AblationResult(**(values | changes))


def _run(rng, variant, seed, kid):
    images = int(rng.integers(40_112, 41_941))
    return Replicate(variant=variant, seed=seed, kid=kid, images=images, seconds=180.3,
                     points=curve(rng, kid))  # fmt: skip


def _contrast(name, base, scores, seeds, last_failed):
    n = seeds - last_failed
    one, other = scores[name][:n], scores[base][:n]
    gaps = one - other
    low, high = interval(gaps)
    several = n > 1
    sd = float(np.std(gaps, ddof=1)) if several else 0.0
    signs = np.array(list(itertools.product([-1, 1], repeat=n))).T
    exact = float(np.mean(np.abs((signs * gaps[:, None]).mean(0)) >= abs(gaps.mean()) - 1e-12))
    mean = float(np.mean(gaps))
    return Contrast(
        variant=name,
        base=base,
        n=n,
        failed=int(last_failed),
        mean=float(one.mean()),
        base_mean=float(other.mean()),
        difference=mean,
        low=low,
        high=high,
        g=(1 - 3 / (4 * (n - 1) - 1)) * mean / sd if n > 2 else None,
        worse=float(np.mean(one[:, None] > other)),
        p=float(stats.ttest_rel(one, other).pvalue) if several else None,
        p_exact=exact if n > 2 else None,
        p_exact_least=2 / 2**n if n > 2 else None,
        p_holm=None,
        words="no difference was shown",
    )


def _holm(contrasts):
    found = [c.p for c in contrasts if c.p is not None]
    order, running, holm = np.argsort(found), 0.0, {}
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(found) - rank) * found[place]))
        holm[found[place]] = running
    return [c.model_copy(update=_finding(c, holm.get(c.p))) for c in contrasts]


def _finding(contrast, p_holm):
    words = contrast.words
    if p_holm is not None and p_holm <= 0.05:
        words = f"{'worse' if contrast.difference > 0 else 'better'} than {contrast.base}"
    return {"p_holm": p_holm, "words": words}


def anova():
    return [
        AnovaRow(term="variant", df=10, sum_squares=3.104, f=412.3, p=1e-33, eta2=0.991, low=0.98,
                 high=0.993, omega2=0.988, p_holm=2e-33),
        AnovaRow(term="seed", df=4, sum_squares=0.0062, f=2.06, p=0.105, eta2=0.174, low=0.0,
                 high=0.31, omega2=0.072, p_holm=0.105),
        AnovaRow(term="rest", df=39, sum_squares=0.0294),
    ]  # fmt: skip


def factorial():
    def effect(names, value, half, p, aliases=()):
        return FactorEffect(factors=names, effect=value, low=value - half, high=value + half, p=p,
                            p_holm=min(1.0, 6 * p), aliases=list(aliases))  # fmt: skip

    return Factorial(
        factors=["growing", "augmentation", "EMA", "likeness matching", "dropout"],
        resolution=5,
        cells=16,
        missing=1,
        effects=[
            effect(["growing"], -0.083, 0.012, 1e-9),
            effect(["augmentation"], -0.041, 0.012, 2e-5),
            effect(["EMA"], -0.121, 0.012, 1e-12),
            effect(["likeness matching"], -0.009, 0.012, 0.13),
            effect(["dropout"], 0.004, 0.012, 0.5),
            effect(["growing", "EMA"], 0.031, 0.012, 4e-4,
                   [["augmentation", "likeness matching", "dropout"]]),
        ],
    )  # fmt: skip


def sensitivity(n=40, **changes):
    rng = np.random.default_rng(3)
    settings = [drawn(rng) for _ in range(n)]
    kids = [true_kid(setting) + SD * float(rng.normal()) for setting in settings]
    shares = {"train.lr_generator": 0.46, "preset.gamma_at_64": 0.2, "train.loss": 0.12,
              "train.batch": 0.06, "network.latent_dim": 0.02}  # fmt: skip
    importances = [
        Importance(name=name, share=share, low=0.6 * share, high=min(1.0, 1.35 * share),
                   rank_low=max(1, rank - 1), rank_high=rank + 1,
                   ped=0.8 * share if rank < 4 else None)
        for rank, (name, share) in enumerate(shares.items(), start=1)
    ]  # fmt: skip
    values = {
        "n": n,
        "failed": 3,
        "r2": 0.62,
        "r2_low": 0.44,
        "r2_high": 0.75,
        "noise": 0.09,
        "importances": importances,
        "slices": [_slice(one, settings, kids) for one in space() if one.name in shares],
        "pairs": [_pair("train.lr_generator", "train.lr_discriminator", 0.08, 8),
                  _pair("train.lr_generator", "train.loss", 0.03, 6)],
    }  # fmt: skip
    return Sensitivity(**(values | changes))


def _places(one, count):
    if one.choices:
        return list(one.choices)
    step = np.geomspace if one.log else np.linspace
    return [float(f"{value:.3g}") for value in step(one.low, one.high, count)]


def _slice(one, settings, kids):
    at = _places(one, 12)
    pairs = [(s[one.name], kid) for s, kid in zip(settings, kids, strict=True) if one.name in s]
    marginal = [true_kid({one.name: value}) + 0.12 for value in at]
    values, scores = zip(*pairs, strict=True)
    return Slice(name=one.name, log=one.log, values=list(values), kids=list(scores), at=at,
                 marginal=marginal)  # fmt: skip


def _pair(first, second, share, count):
    known = {one.name: one for one in space()}
    rows, columns = _places(known[first], count), _places(known[second], count)
    grid = [[true_kid({first: row, second: column}) for column in columns] for row in rows]
    return Pair(first=first, second=second, share=share, first_at=rows, second_at=columns,
                grid=grid)  # fmt: skip
