"""What every page says of evidence beyond its own measurements: audit, release, provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from popgan.evidence.compare.results import Comparison
from popgan.evidence.experiments.results import AblationResult, TuneResult
from popgan.evidence.privacy.results import CopySearch
from popgan.report.audit_content import AuditContent


@dataclass(frozen=True, kw_only=True)
class ReleaseContent:
    """The data set that was made for sharing, if there is one.

    Args:
        state: "none"; "current"; "stale" where it is of other weights or data, or was tested by
            older rules; "changed" where its files are no longer those that were audited.
        images: in the set.
        dropped: images that the copy search flagged and that were drawn anew.
        level: the verdict of the audit of this very set.
        first_draw: the copy search of all that was drawn first, before any image was left out.
        accepted: why somebody released a set that could not be tested; "" if nobody had to.
        manifest: SHA-256 of the file of hashes.
    """

    state: Literal["none", "stale", "changed", "current"] = "none"
    images: int = 0
    dropped: int = 0
    level: str = ""
    first_draw: CopySearch | None = None
    accepted: str = ""
    manifest: str = ""


@dataclass(frozen=True)
class SplitFacts:
    """A split of the cohort: its subjects, its slices, the SHA-256 of their pixels in order."""

    subjects: int
    slices: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class ComparisonContent:
    """The comparison of the run's models.

    Args:
        state: whether there is one about the present weights and cohort; of a stale one nothing
            is shown.
        models: trained models of the run.
        model: name of the reported one.
        result: what was found.

    Raises:
        ValueError: findings of a comparison that is not current.
    """

    state: Literal["none", "stale", "current"] = "none"
    models: int = 1
    model: str = ""
    result: Comparison | None = None

    def __post_init__(self) -> None:
        if self.state != "current" and self.result is not None:
            raise ValueError("findings of a comparison that is not current are not shown")


@dataclass(frozen=True, kw_only=True)
class EvidencePage:
    """What `PageContent` adds to.

    Args:
        audit: the privacy audit, or that there is none.
        release: the data set that was made for sharing.
        comparison: the reported model beside others of the run.
        splits: train, tuning and test, in counts and hashes.
        source_licence: of the scans, as their data set words it; "" where it is not known.
        simulated: whether the scans are popgan's own phantom.
        tune: the search for the recipe's values; None = there was none.
        other_tunes: names of the run's other searches for this recipe.
        ablation: what each part of the recipe is worth; None = it was not asked.
        other_ablations: names of the run's other ablations of this recipe.
    """

    audit: AuditContent = field(default_factory=AuditContent)
    release: ReleaseContent = field(default_factory=ReleaseContent)
    comparison: ComparisonContent = field(default_factory=ComparisonContent)
    splits: Mapping[str, SplitFacts] = field(default_factory=dict)
    source_licence: str = ""
    simulated: bool = False
    tune: TuneResult | None = None
    other_tunes: Sequence[str] = ()
    ablation: AblationResult | None = None
    other_ablations: Sequence[str] = ()
