"""How rare copies must be shown to be before anything passes, and how many images that takes.

That a search flags nothing says little where it searched little: 0 of 10 images leaves up to 25.9 %
of all that the generator draws. So the one-sided 95 % upper bound of flagged images (Clopper and
Pearson 1934) must be no more than 1 %. Without a flag that bound is 1 - 0.05^(1/n), which takes 299
images; with flags it takes more, and where chance explains many flags, it is not reached at all.
"""

from __future__ import annotations

import math

from popgan.evidence.privacy.bounds import CONFIDENCE
from popgan.evidence.privacy.results import CopySearch
from popgan.wording import counted

COPIES_AT_MOST = 0.01
"""Share of what a generator draws that may be copies, by the upper bound, if it is to pass."""


def images_needed() -> int:
    """Images that must be searched, with none flagged, for a bound of `COPIES_AT_MOST`."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-COPIES_AT_MOST))


def are_rare(copies: CopySearch) -> bool:
    """Whether a search shows that at most `COPIES_AT_MOST` of all that is drawn are copies."""
    return copies.flagged.high is not None and copies.flagged.high <= COPIES_AT_MOST


def too_few_images(copies: CopySearch) -> bool:
    """Whether so few images were searched that not even an empty search could show it."""
    return copies.flagged.n < images_needed()


def not_rare(copies: CopySearch) -> tuple[str, str]:
    """What to say where `are_rare` does not hold: a sentence for the verdict, and its reason."""
    searched = copies.flagged
    flags = round((searched.value or 0.0) * searched.n)
    high = round(1.0 if searched.high is None else searched.high, 5)
    # Not "up to 1.000 %", which would read as if the limit were kept.
    most = f"{max(high, COPIES_AT_MOST + 1e-5):.3%}"
    means = (
        f"up to {most} of what the generator draws may be copies, and more than "
        f"{COPIES_AT_MOST:.0%} passes nothing."
    )
    if too_few_images(copies):
        images = counted(searched.n, "image was", "images were")
        found = f"{images} searched and {flags} flagged" if flags else f"{images} searched"
        return (
            "The audit has no power: too few images were searched to say how rare copies are.",
            f"{found}: {means} It takes {images_needed()} or more with none flagged: ask for them "
            "with -n.",
        )
    return (
        f"The audit has no power to pass this: so many images were flagged that up to {most} of "
        "what the generator draws may be copies, though chance is not excluded.",
        f"{flags} of {searched.n} images were flagged: {means} Chance is not excluded "
        f"(p = {copies.p:.2g}), and neither are copies: the flagged images must be looked at.",
    )
