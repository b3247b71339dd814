"""Names of label maps to meanings: whose it is, at which visit, and what kind of map.

Pure functions of a relative path. The name of a kind ("lesion_mask", "desc-brain_mask") is made of
words that are known to speak of maps, so that no person's name gets into it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from popgan.scans.entities import entities
from popgan.scans.names import (
    CONTRAST_WORDS,
    LABEL_FOLDERS,
    LABEL_WORDS,
    normalise_contrast,
    stem,
    volume_meaning,
    words,
)

PICTURE_FOLDERS = {"images", "image", "imgs", "img", "pictures", "scans"}
# Words that say which map it is, beside those that say that it is one.
_QUALIFIERS = {
    *("brain", "head", "skull", "whole", "core", "enhancing", "edema", "oedema", "necrosis"),
    *("wm", "gm", "csf", "white", "grey", "gray", "matter", "ventricle", "ventricles", "liver"),
    *("auto", "automatic", "change", "changes", "consensus", "final", "expert", "binary"),
    *("fast", "first", "synthseg", "samseg", "freesurfer", "hippocampus", "thalamus", "desikan"),
}
_READER = re.compile(r"(rater|reader|observer|annotator|expert)\d{0,2}")
# Entities that say whose scan it is or which of several, but not what kind of map.
_NOT_KIND = {
    *("sub", "ses", "run", "acq", "rec", "echo", "part", "ce", "dir", "task", "space"),
    *("res", "den"),
}
_OWN_SPACES = {"orig", "native", "scanner", "individual", "t1", "t2", "subject"}
_SPLITTER = re.compile(r"([^A-Za-z0-9]+)")


@dataclass(frozen=True)
class MapMeaning:
    """What the path of a label map of volumes says about it."""

    subject: str
    session: str | None
    kind: str


def is_probability(name: str) -> bool:
    """Whether a map holds probabilities of tissues instead of labels, by its BIDS suffix."""
    return "probseg" in words(stem(name))


def volume_map_meaning(name: str) -> MapMeaning | None:
    """Whose label map it is and of which kind.

    Returns:
        None for what cannot be attached to a scan: probabilities, and maps in the space of a
        template or of another subject.
    """
    base = stem(name)
    found, suffix = entities(name)
    if is_probability(name) or not _own_space(found.get("space")):
        return None
    folders = list(PurePosixPath(name).parts[:-1])
    if folders and folders[0].lower() == "derivatives":
        # Below it comes the name of the program that made the maps.
        folders = folders[1:] if folders[1:2] and "sub-" in folders[1] else folders[2:]
    kept = [folder for folder in folders if not _is_map_folder(folder)]
    meaning = volume_meaning("/".join([*kept, f"{_without_map_words(base)}.nii"]))
    if "sub" in found:
        kind = "_".join(chunk for chunk in base.split("_") if _tells_kind(chunk))
    else:
        kind = "_".join(word for word in words(base) if _is_map_word(word))
    if not kind:
        kind = _map_folder(folders) or normalise_contrast(suffix or base)
    return MapMeaning(meaning.subject, meaning.session, kind)


def picture_map_kind(name: str) -> str:
    """The kind of map that a picture's name, or else its folder, speaks of."""
    kind = "_".join(word for word in words(stem(name)) if _is_map_word(word))
    return kind or _map_folder(list(PurePosixPath(name).parts[:-1])) or "mask"


def picture_key(name: str) -> tuple[str, ...]:
    """What the paths of a picture and of its mask have in common.

    `images/glioma/0209.jpg` and `masks/glioma/0209.png` have the same key, and so have
    `a/slice_10.tif` and `a/slice_10_mask.tif`.
    """
    folders = [
        folder
        for folder in PurePosixPath(name).parts[:-1]
        if not _is_map_folder(folder) and folder.lower() not in PICTURE_FOLDERS
    ]
    base = stem(name)
    base = _without_map_words(base) if set(words(base)) & LABEL_WORDS else base
    own = [w for w in words(base) if w not in LABEL_WORDS and w not in PICTURE_FOLDERS]
    return *folders, "_".join(own)


def _own_space(space: str | None) -> bool:
    if space is None:
        return True
    return space.lower() in _OWN_SPACES or space.lower() in CONTRAST_WORDS


def _is_map_folder(folder: str) -> bool:
    return bool(set(words(folder)) & LABEL_FOLDERS)


def _map_folder(folders: list[str]) -> str:
    """Known words of the last folder of maps; empty if there is none."""
    own = [folder for folder in folders if _is_map_folder(folder)]
    kept = [word for word in words(own[-1]) if _is_map_word(word)] if own else []
    return "_".join(kept)


def _is_map_word(word: str) -> bool:
    return word in LABEL_WORDS or word in _QUALIFIERS or _READER.fullmatch(word) is not None


def _tells_kind(chunk: str) -> bool:
    """Whether a part of a BIDS name says which map it is."""
    key, dash, _ = chunk.partition("-")
    if dash:
        return key.lower() not in _NOT_KIND
    return chunk.lower() not in CONTRAST_WORDS


def _without_map_words(base: str) -> str:
    """`IXI002-Guys-0828-lesion_mask` -> `IXI002-Guys-0828`."""
    pieces = _SPLITTER.split(base)
    while pieces and (not pieces[-1].strip() or _is_map_word(pieces[-1].lower())):
        pieces = pieces[:-2] if len(pieces) > 1 else []
    return "".join(pieces)
