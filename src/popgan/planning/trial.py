"""What is found out by trying: whether the batch fits, and how many snapshots can be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEAST_SUBJECTS = 3
SHARE = 0.05  # of training time, for measuring snapshots
MOST = 12
SNAPSHOT_IN_IMAGES = 256
"""Training images that cost about as much as measuring one snapshot, where nothing is measured: on
two cores at 64 x 64 the feature network takes about as long for an image as training does."""


@dataclass(frozen=True)
class Trial:
    """Measurements that the rules may ask for.

    Attributes:
        tuning_subjects: subjects of the tuning split.
        snapshot_seconds: measures how long measuring one snapshot takes.
        micro_batch: images that a network could see at once at each level while speed was
            measured (0: the whole batch), and the memory in use then, GiB; None if speed was not
            measured.
        busy: the share of the processor's time that popgan got while speed was measured, where
            other programs took so much that the speed is not to be trusted; None where they did
            not.
    """

    tuning_subjects: int
    snapshot_seconds: Callable[[], float]
    micro_batch: Callable[[], tuple[list[int], float] | None]
    busy: Callable[[], float | None] = lambda: None


def snapshots_within(
    trial: Trial | None, images: int, seconds: float | None
) -> tuple[int, float, str]:
    """How many snapshots to measure, what one costs, and why.

    Args:
        trial: what can be measured.
        images: length of the training.
        seconds: time of the training; None where it is not known.

    Returns:
        A number, 0 or 2 to 12; the seconds one takes (0 where unknown); the reason.
    """
    if trial is None or trial.tuning_subjects < LEAST_SUBJECTS:
        count = 0 if trial is None else trial.tuning_subjects
        return 0, 0.0, f"{count} tuning subjects: a choice among snapshots would be luck"
    cost = 0.0
    if seconds is None:
        fit = int(SHARE * images / SNAPSHOT_IN_IMAGES)
        reason = f"{SHARE:.0%} of {images} images, at {SNAPSHOT_IN_IMAGES} images a snapshot"
    else:
        cost = trial.snapshot_seconds()
        fit = int(SHARE * seconds / cost)
        reason = f"{SHARE:.0%} of {seconds:.0f} s, at {cost:.1f} s a snapshot"
    if fit < 2:
        return 0, cost, f"less than two fit into {reason}"
    return min(MOST, fit), cost, f"{reason}; at most {MOST}"


def micro_batch(
    trial: Trial | None, batch: int, level_shares: Sequence[float]
) -> tuple[int | list[int], str] | None:
    """Images of a batch that networks work on at once, and why; None where it was not measured.

    Returns:
        One number for all levels that are trained, or one for each where they differ.
    """
    found = trial.micro_batch() if trial else None
    if found is None:
        return None
    parts, used = [part or batch for part in found[0]], found[1]
    trained = [part for part, share in zip(parts, level_shares, strict=True) if share > 0]
    if min(trained) >= batch:
        return batch, f"the whole batch fits: {used:.1f} GiB in use while speed was measured"
    reason = f"memory is not enough for {batch} images at once, as was measured with speed"
    if len(set(trained)) == 1:
        return trained[0], reason
    return parts, f"{reason}; lower levels need less"
