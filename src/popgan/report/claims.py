"""The verdict table: claim, test, result, and whether that passes a limit that was set in advance.

The limits, each printed in its row:

    likeness    those of `evidence.fidelity.verdict`: "close to real" passes, "in between" and
                "poor" do not
    coverage    at least 0.8 of what real images reach among themselves, the bound that tuning is
                held to as well: passes with its whole interval above, fails with all of it below
    variety     fails if random pairs are more alike than the interval of real pairs allows; it
                cannot pass, since no difference found is not "no difference"
    readers     equivalence to guessing within the margin of the study
    privacy     those of the audit
"""

from __future__ import annotations

from popgan.evidence.fidelity.results import FidelityResult, Metric
from popgan.evidence.fidelity.verdict import CLOSE, CLOSE_HIGH
from popgan.evidence.fidelity.verdict import Verdict as FidelityVerdict
from popgan.evidence.readers.results import Verdict as ReaderVerdict
from popgan.evidence.readers.sentences import primary
from popgan.report.audit_claims import audit_claims
from popgan.report.audit_words import bounded
from popgan.report.claim import Claim, Status
from popgan.report.comparison_view import comparison_claim
from popgan.report.content import MaskContent, ReportContent
from popgan.report.evidence_content import ReleaseContent
from popgan.report.measurements import network_name
from popgan.report.provenance_view import release_sentence
from popgan.report.readers import QUESTION, ReaderContent, readers_claim
from popgan.report.tissue_view import tissue_claims
from popgan.report.words import interval, number, percent, score, typeset
from popgan.wording import counted

COVERED = 0.8
"""Share of the coverage of real images that synthetic ones must reach."""
_NOTHING = "No measurement was made."
LIKE = "The images, as a set, are close to real ones."
COVER = "All kinds of real image occur among them."
RELEASED = "The set made for sharing was tested as it is."
VARIED = "They differ from each other as much as real ones do."


def claims(content: ReportContent) -> list[Claim]:
    """What was tested, against which limit, and plainly what was not."""
    fidelity = content.fidelity
    rows = [_like(content), _covered(fidelity), _varied(fidelity)]
    rows += tissue_claims(content.tissue)
    if content.masks is not None:
        rows.append(_masks(content.masks))
    rows.append(readers_row(content.readers))
    rows += audit_claims(content.audit)
    if content.release.state != "none":
        rows.append(_released(content.release))
    if (against := comparison_claim(content.comparison, content.comparison.model)) is not None:
        rows.append(against)
    rows.append(
        Claim(
            "They help to train or test other software.",
            "A downstream task on real patients, against duplicated real images.",
            "No downstream task was run.",
            "untested",
        )
    )
    return rows


def _like(content: ReportContent) -> Claim:
    test = (
        f"Kernel distance to held-out patients, on the way from real images to one mean image; at "
        f"most {percent(CLOSE)} of it, and the interval below {percent(CLOSE_HIGH)}."
    )
    fidelity = content.fidelity
    if fidelity is None or not isinstance(content.verdict, FidelityVerdict):
        return Claim(LIKE, test, _NOTHING, "untested")
    metric = fidelity.metric("kid")
    statuses: dict[str, tuple[Status, str]] = {
        "close to real": ("pass", ""),
        "in between": ("fail", ""),
        "poor": ("fail", ""),
        "not measurable": ("untested", "cannot tell"),
    }
    status, label = statuses[content.verdict.level]
    result = f"KID {_valued(metric)}, {network_name(fidelity)} features; {_basis(metric)}."
    return Claim(LIKE, test, result, status, label, typeset(metric.how_to_read))


def _covered(fidelity: FidelityResult | None) -> Claim:
    test = (
        "Share of real images with a synthetic one in their neighbourhood; at least "
        f"{percent(COVERED)} of what real images reach among themselves."
    )
    metric = _first(fidelity, "clipped_coverage", "coverage")
    if metric is None or metric.floor is None:
        return Claim(COVER, test, _NOTHING, "untested")
    limit = COVERED * metric.floor
    low, high = metric.value.low, metric.value.high
    status: Status = "untested"
    if low is not None and low >= limit:
        status = "pass"
    elif high is not None and high < limit:
        status = "fail"
    label = "cannot tell" if status == "untested" else ""
    result = f"{typeset(metric.title)} {_valued(metric)}, limit {score(limit)}; {_basis(metric)}."
    return Claim(COVER, test, result, status, label, typeset(metric.how_to_read))


def _varied(fidelity: FidelityResult | None) -> Claim:
    test = "Likeness of random pairs (MS-SSIM) against pairs of different real patients."
    metric = _first(fidelity, "ms_ssim")
    if metric is None or metric.floor is None:
        return Claim(VARIED, test, _NOTHING, "untested")
    low, top = metric.value.low, metric.floor_high
    alike = low is not None and top is not None and low > top
    status: Status = "fail" if alike else "measured"
    result = f"MS-SSIM {_valued(metric)}; {_basis(metric)}."
    return Claim(
        VARIED, test, result, status, "" if alike else "measured", typeset(metric.how_to_read)
    )


def _first(fidelity: FidelityResult | None, *names: str) -> Metric | None:
    """The first of some metrics that was measured."""
    found = {metric.name: metric for metric in fidelity.metrics} if fidelity else {}
    return next((found[name] for name in names if name in found), None)


def _valued(metric: Metric) -> str:
    """ "0.371 (0.322 to 0.419; real against real 0.012)"."""
    value = metric.value
    parts = []
    if value.low is not None:
        parts.append(interval(value.low, value.high))
    if metric.floor is not None:
        parts.append(f"real against real {score(metric.floor)}")
    return f"{score(value.value)} ({'; '.join(parts)})" if parts else score(value.value)


def _basis(metric: Metric) -> str:
    value = metric.value
    return (
        f"{number(value.n_synthetic)} synthetic images, {number(value.n_real)} real of "
        f"{counted(value.n_subjects, 'patient', 'patients')}"
    )


def _released(release: ReleaseContent) -> Claim:
    """The set that was made for sharing, by the audit of this very set."""
    test = "The audit again, on exactly the images of the set, after flagged ones were left out."
    if release.state != "current":
        return Claim(RELEASED, test, release_sentence(release), "untested", "not tested: stale")
    images = counted(release.images, "image", "images")
    result = f"{images}, {number(release.dropped)} left out; {release.level}."
    if release.first_draw is not None:
        flagged = bounded(release.first_draw.flagged, upper=True)
        result += f" Flagged in the first draw, before any was left out: {flagged}."
    if release.level == "passed":
        return Claim(RELEASED, test, result, "pass", how="It is privacy-tested, not anonymous.")
    if release.accepted:
        result += f" Released all the same: {release.accepted.rstrip('.')}."
    return Claim(RELEASED, test, typeset(result), "untested")


def _masks(masks: MaskContent) -> Claim:
    claim = "The masks belong to their images."
    test = "Frequency, size and the step in brightness at the rim, against held-out patients."
    if masks.measured is None:
        return Claim(claim, test, _NOTHING, "untested")
    follows = [
        max((step.follows for step in label.steps if step.follows is not None), default=None)
        for label in masks.measured.labels
    ]
    known = [share for share in follows if share is not None]
    result = "Measured; nobody has looked at them."
    if known:
        count = sum(share >= 0.5 for share in known)
        result = f"{count} of {len(known)} labels follow the image. Nobody has looked at them."
    how = "Follows: at least half of the way from masks of other images to real masks."
    return Claim(claim, test, result, "measured", "measured", how)


def readers_row(content: ReaderContent | None) -> Claim:
    """What readers found: equivalence to guessing passes, a difference from it does not."""
    claim = QUESTION
    test = "A blinded reader study; equivalence to guessing within a margin fixed beforehand."
    tested, answer = readers_claim(content)
    asked = primary(content.analysis.result) if content is not None and tested else None
    if asked is None:
        return Claim(claim, test, answer, "untested")
    found: dict[ReaderVerdict, tuple[Status, str]] = {
        "equivalent": ("pass", ""),
        "different": ("fail", ""),
        "not shown": ("untested", "cannot tell"),
        "not measurable": ("untested", "cannot tell"),
    }
    status, label = found[asked[1].verdict]
    how = f"{percent(0.5)} is guessing. No difference found is not equality."
    return Claim(claim, test, answer, status, label, how)
