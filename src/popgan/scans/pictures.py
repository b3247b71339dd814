"""Folders of pictures: class labels from subfolders, and subjects where nothing names them.

A picture carries no patient. Without a rule from the user, neighbouring names of one class are
kept together in blocks, because neighbouring slices mostly are one patient; a patient whose
slices lie far apart can still reach two splits, and the user is told so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from popgan.scans.names import UNKNOWN, contrast_in, picture_class
from popgan.scans.scan import Found

BLOCK = 20
"""Pictures of one block, taken as one subject."""
MAX_CLASSES = 20
"""More subfolders than this are subjects, not classes (and a name of a person no label)."""
FOLDERS = "the {count} subfolders are taken for subjects, being too many for classes"
CLASSES = "the {count} subfolders are taken for classes; their names appear in reports as labels"
LEAKAGE = (
    "the pictures name no subjects: blocks of {block} neighbouring names stand in for them, and "
    "leakage of a subject between train, tuning and test cannot be ruled out; "
    "--subjects REGEX|TSV groups files truly"
)


def picture_scans(
    pictures: list[tuple[str, Path]],
    source: Path,
    notes: list[str],
    *,
    grouped: bool,
    channels: Sequence[str] | None = None,
) -> list[Found]:
    """Turn pictures into scans with class, contrast and (unless grouped later) block subjects.

    Args:
        pictures: relative name and path of each picture.
        source: the folder the names are relative to; its own name may tell the contrast.
        notes: remarks are appended here.
        grouped: whether the user's rule will name the subjects.
        channels: contrasts that the colour channels of each picture hold.
    """
    ordered = sorted(pictures)
    folders = [PurePosixPath(name).parts[:-1] for name, _ in ordered]
    common = _common_depth(folders)
    labels = [picture_class(list(parts[common:])) for parts in folders]
    classes = {label for label in labels if label is not None}
    by_folder = len(classes) > MAX_CLASSES
    ranks: Counter[tuple[str, ...]] = Counter()
    scans = []
    guessed = False
    for (name, path), parts, label in zip(ordered, folders, labels, strict=True):
        rank = ranks[parts]
        ranks[parts] += 1
        own = next((part for part in parts if part.lower().startswith("sub-")), None)
        own = label if own is None and by_folder else own
        guessed = guessed or own is None
        subject = own or "/".join((*parts, f"block{rank // BLOCK:05d}"))
        contrast = contrast_in(name) or contrast_in(source.resolve().name) or UNKNOWN
        kept = None if by_folder else label
        if channels is None:
            scans.append(Found(path, name, "picture", subject, name, contrast, kept))
            continue
        scans += [
            Found(path, name, "picture", subject, name, own_contrast, kept, channel=number)
            for number, own_contrast in enumerate(channels)
        ]
    if by_folder:
        notes.append(FOLDERS.format(count=len(classes)))
    elif classes:
        notes.append(CLASSES.format(count=len(classes)))
    if guessed and not grouped:
        notes.append(LEAKAGE.format(block=BLOCK))
    return scans


def _common_depth(folders: list[tuple[str, ...]]) -> int:
    """How many leading folders all pictures share."""
    depth = 0
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        depth += 1
    return depth
