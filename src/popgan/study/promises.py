"""What a preregistration promises: hypotheses, outcomes and analysis, all of which is done.

The texts depend on the design. What they name is computed for a study of that kind, with that many
readers and models; nothing else is promised.
"""

from __future__ import annotations

from popgan.evidence.readers.answers import CRITERIA
from popgan.evidence.readers.friedman import LEAST
from popgan.study.schema import Design

PAIRS = "2afc"


def hypotheses(design: Design) -> list[str]:
    """What is asked, primary first."""
    margin = _margin(design)
    alone = design.readers == 1
    who = "the reader chooses" if alone else "readers choose"
    what = f"the proportion of pairs in which {who} the patient's image"
    if design.kind != PAIRS:
        who = "the reader tells" if alone else "readers tell"
        what = (
            f"the balanced accuracy (mean of sensitivity and specificity) with which {who} "
            "synthetic from real images"
        )
    whose = ", for this one reader and other images," if alone else ", across readers,"
    limit = " Nothing is claimed about other readers." if alone else ""
    found = [
        f"H1 (primary): {what}{whose} is equivalent to chance (50 %) within {margin}. "
        "Null hypothesis: it differs from 50 % by the margin or more. That no difference is found "
        f"is not taken for equivalence.{limit}"
    ]
    if design.kind == PAIRS:
        return found
    several = len(design.synthetic) > 1
    found.append(
        "H2 (secondary): synthetic images"
        + (" of at least one model" if several else "")
        + " are scored differently from real ones in at least one of "
        f"{len(CRITERIA)} criteria ({', '.join(CRITERIA)}), by "
        + ("this reader" if alone else "these readers")
        + ". Null hypothesis: no difference in any."
    )
    if several:
        found.append(
            "H3 (secondary): the models differ from each other in the scores of at least one "
            "criterion. Null hypothesis: they differ in none."
        )
    return found


def outcomes(design: Design) -> list[str]:
    """What is measured."""
    repeats = "Agreement of each reader with themselves on the repeats."
    if design.kind == PAIRS:
        return [
            "Choice of the image held for the patient's, with confidence.",
            "For each reader: proportion correct with Wilson interval, d' (sqrt(2) z of it), and "
            "the share of trials in which the left image was chosen.",
            *([repeats] if design.repeats else []),
            "Time a case.",
        ]
    return [
        f"Scores 1 (worst) to 5 (best) for {', '.join(CRITERIA)}; real images are scored alongside "
        "and are the reference.",
        "Judgement real or synthetic, with confidence, asked after all scores are given.",
        "For each reader: sensitivity (synthetic called synthetic), specificity and proportion "
        "correct with Wilson intervals, balanced accuracy, d' and criterion, and the area under "
        "the ROC curve from confidence (guessing, fairly sure, certain).",
        *(["Agreement between readers."] if design.readers > 1 else []),
        *([repeats] if design.repeats else []),
        "Time a case.",
    ]


def analysis_plan(design: Design) -> list[str]:
    """Which statistic answers which question."""
    scored = design.kind != PAIRS
    plan = [_unit(design), _primary(design), _answers(design)]
    if scored:
        plan.append(_scores(design))
        if design.readers > 1:
            plan.append(
                "Agreement of scores: ICC(2,1), ICC(3,k), weighted kappa, Fleiss' kappa, "
                "Krippendorff's alpha; of judgements: the same without ICC, for two unordered "
                "answers. All with 95 % intervals."
            )
    if len(design.synthetic) > 1:
        if scored:
            plan.append(_models())
        plan.append(
            "H1 is about the images of all models together. The same for each model's images alone "
            "is exploratory, and so is any comparison of how well models' images are recognised."
        )
    return [
        *plan,
        _missing(design),
        "No interim analysis. The study ends when it is locked; the truth is opened only then.",
    ]


def _unit(design: Design) -> str:
    """What is a sample, and how each interval respects it."""
    found = ["Unit of analysis: the image. Images of one patient form a cluster"]
    if design.kind == PAIRS:
        found.append("; a pair belongs to the cluster of its real image.")
        found.append(
            " Intervals of means over readers resample clusters. Those of one reader's proportion "
            "(Wilson) and d' count clusters by the design effect of the answers."
        )
    else:
        found.append("; a synthetic image is a cluster of its own.")
        found.append(
            " Intervals of means over readers, differences of means, medians of scores, areas "
            "under the ROC curve and kappa or alpha resample clusters. Those of a reader's shares "
            "(Wilson), balanced accuracy and d', and that of the ICC, count clusters by the design "
            "effect of the answers; the ordinal model has the sandwich variance over clusters."
        )
    found.append(" Intervals of times take images as independent.")
    return "".join(found)


def _primary(design: Design) -> str:
    if design.readers == 1:
        return (
            f"H1: two one-sided tests (TOST), margin {_margin(design)}, each at 5 %: equivalence "
            "is shown if the 90 % interval of the reader's value lies within the margin. The "
            "interval speaks for this reader alone and other images: variance of the shares with "
            "log-linear correction and design effect, Student's t. With one reader nothing "
            "generalises to other readers."
        )
    return (
        f"H1: two one-sided tests (TOST), margin {_margin(design)}, each at 5 %: equivalence is "
        "shown if the 90 % interval of the mean over readers lies within the margin. The interval "
        "speaks for other readers and other images: Obuchowski and Rockette's variance, its "
        "covariances from a bootstrap over clusters of images, Student's t with Cochran's "
        "quantile; it is never narrower than that for these readers. For each reader the same with "
        "an interval of their own, as description. If one reader alone gives enough answers (see "
        "Missing answers), H1 is tested for that reader and nothing is claimed about others."
    )


def _answers(design: Design) -> str:
    change = (
        "An answer may be changed until its part is over; the last version counts, and all "
        "versions are kept."
        if design.back
        else "Readers cannot go back to a case that they have left. If an answer has several "
        "versions, the last counts, and all are kept."
    )
    return (
        "Repeats serve agreement of a reader with themselves alone; everything else uses the first "
        f"answer to a case. Practice cases are not analysed. {change}"
    )


def _scores(design: Design) -> str:
    several = len(design.synthetic) > 1
    tests = len(CRITERIA) * len(design.synthetic)
    family = (
        f"The {tests} tests ({len(CRITERIA)} criteria x {len(design.synthetic)} models)"
        if several
        else f"The {tests} tests, one a criterion,"
    )
    general = ", for these readers and, beside it, for other readers" if design.readers > 1 else ""
    return (
        f"H2: for each criterion{' and model' if several else ''} the difference of means, real "
        f"minus synthetic, with a 95 % cluster bootstrap interval{general}, and an ordinal model "
        "(cumulative logit, generalised estimating equations, readers as fixed effects, images "
        "clustered by patient), whose test of the odds ratio decides. Readers are fixed, so H2 "
        f"speaks for these readers alone. {family} are one family, corrected by Holm's method at a "
        "family-wise 5 %."
    )


def _models() -> str:
    return (
        "H3: for each criterion one Friedman test over models. A block is one image of each model, "
        "put together at random, with each image's mean score over readers; the "
        f"{len(CRITERIA)} tests are corrected by Holm's method over criteria. Then pairs of models "
        "by Wilcoxon's signed ranks on the same blocks, corrected by Holm's method within a "
        f"criterion. With fewer than {LEAST} blocks there is no test."
    )


def _missing(design: Design) -> str:
    observed = "Missing answers: analysed as observed; their number is reported for each reader."
    if design.readers == 1:
        return observed
    over = "means over readers"
    if design.kind != PAIRS:
        over += ", differences, odds ratios, agreement between readers"
        if len(design.synthetic) > 1:
            over += ", comparisons of models"
    return (
        f"{observed} A reader with fewer than half as many first answers in a part as the reader "
        f"with most is left out of all that is over several readers of that part ({over}), and is "
        "named; rows of single readers show everybody. A reader who has not completed a part but "
        "gave that many is kept; if two or more readers finished and not all did, results without "
        "those who did not are reported as well."
    )


def _margin(design: Design) -> str:
    return f"{100 * design.margin:g} percentage points"
