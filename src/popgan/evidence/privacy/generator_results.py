"""What attacks on a released generator found, as data: inversion, coverage, over-trained control.

All of it can be shared: no pseudonym, no place in the training set.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from popgan.evidence.privacy.results import Attack, CopySearch, _Result
from popgan.evidence.readers.results import Measure

Outcome = Literal["detected", "missed", "not reproduced"]
Stop = Literal["reproduced", "steps", "time"]


class InversionCoverage(_Result):
    """How well the generator can draw given images at all; a mean over patients each.

    PSNR in dB and SSIM of the best reconstruction, both for a range of 1 (images 0..1), over the
    whole picture. `mean_image` is the floor: what a collapsed generator reaches, that draws the
    mean of the training images. `own` is the ceiling of the search: images of this very generator,
    which it can draw exactly, so whatever is missing there the search has missed.
    """

    train_psnr: Measure
    heldout_psnr: Measure
    mean_image_psnr: Measure = Field(description="mean training image for held-out patients")
    own_psnr: Measure = Field(description="over the generator's own images")
    train_ssim: Measure
    heldout_ssim: Measure
    mean_image_ssim: Measure
    own_ssim: Measure


class InversionAttack(_Result):
    """Which latent vector draws an image best, and how far from it the drawing remains.

    Errors are root mean squared differences of unit intensities (0..1), a mean over patients.
    """

    steps: int = Field(description="of the search, each restart")
    restarts: int = Field(description="searches of an image, of which the best counts")
    images: int = Field(description="real images that were inverted, of both sides")
    members: int = Field(description="training patients")
    others: int = Field(description="held-out patients")
    attacks: list[Attack] = Field(description='"inversion": minus the error, by patient')
    train_error: Measure
    heldout_error: Measure
    gap: Measure = Field(description="held-out minus train, over patients; > 0: memorises")
    p_gap: float | None = Field(
        default=None, ge=0, le=1, description="Welch's t-test, one-sided; None without interval"
    )
    own_error: Measure = Field(description="of the generator's own images: the search's own error")
    coverage: InversionCoverage
    searched: bool = Field(
        description="whether own images were found again better than held-out ones: without that "
        "the error is the search's and the attack shows nothing"
    )
    sentence: str


class OvertrainedControl(_Result):
    """A copy of the generator that was made to memorise: the audit must find that out.

    `detected` is that the audit's own rules fail what it draws. Two things can stand in the way,
    and `outcome` tells them apart: the audit missed it, or it did not memorise in the time that
    there was, so that there was nothing to detect.
    """

    patients: int = Field(description="training patients whose images it was fitted to")
    canaries: int = Field(description="subjects that no patient has, fitted likewise")
    images: int = Field(description="drawn from it, near the latents that it was fitted through")
    targets: int = Field(description="images it was fitted to, of patients and canaries")
    steps: int
    seconds: float = Field(description="of fitting")
    stopped: Stop
    before: Measure = Field(description="correlation with the targets before fitting: the floor")
    reproduced: Measure = Field(description="correlation of its drawings with their targets")
    copied: Measure = Field(
        description="share of targets drawn so well that less than half of the distance to the "
        "most similar other patient remains"
    )
    found: Measure = Field(
        description="share of its images flagged for the right patient, of the patients copied"
    )
    canaries_found: Measure = Field(description="the same, of the canaries copied")
    copies: CopySearch = Field(description="the copy search on its images")
    attacks: list[Attack] = Field(description="members: those fitted to; others: held out")
    outcome: Outcome
    detected: bool
    sentence: str
