"""Names of files to meanings: which contrast, which label map, which subject and visit.

Everything here is a pure function of a relative path, so that a layout can be understood (and
tested) without opening a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

CONTRAST_ORDER = ("T1w", "T2w", "FLAIR", "PDw", "T1wCE")
"""Known contrasts; the order breaks ties when the most frequent one is looked for."""
UNKNOWN = "unknown"

_ALIASES = {
    "T1w": ("t1", "t1w", "t1n", "t1wi", "mprage", "spgr", "bravo"),
    "T2w": ("t2", "t2w", "t2wi"),
    "FLAIR": ("flair", "t2flair", "t2f", "fla"),
    "PDw": ("pd", "pdw"),
    "T1wCE": ("t1ce", "t1gd", "t1c", "t1wce", "t1post", "t1km", "t1contrast"),
}
_CONTRAST_OF = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
CONTRAST_WORDS = frozenset(_CONTRAST_OF)
"""Lower-case words that name a contrast."""

# A file whose name holds one of these words is a label map or a derived image, never a contrast.
LABEL_WORDS = {
    *("mask", "masks", "seg", "segs", "segmentation", "segmentations", "dseg", "probseg"),
    *("label", "labels", "lesion", "lesions", "tissue", "tissues", "dlmuse", "muse", "roi"),
    *("rois", "aseg", "aparc", "parc", "parcellation", "atlas", "brainmask", "tumour", "tumor"),
    *("annotation", "annotations", "groundtruth", "gt", "manual", "wmh", "drawn"),
}
# A class folder may rightly be called "lesion" or "tumour"; these folders hold masks only.
LABEL_FOLDERS = {
    *("mask", "masks", "seg", "segs", "segmentation", "segmentations", "annotation"),
    *("annotations", "groundtruth", "gt", "labels"),
}
# BIDS folders of other kinds of data, and what an author keeps beside the scans.
_OTHER_FOLDERS = {"func", "dwi", "fmap", "perf", "meg", "eeg", "ieeg", "pet", "beh", "motion"}
_OTHER_ROOTS = {"derivatives", "sourcedata", "code", "stimuli", "phenotype"}
_PIPELINES = "derivatives"
_SPLIT_FOLDERS = {"train", "training", "test", "testing", "val", "validation", "valid"}
_VOLUME_SUFFIXES = (".nii.gz", ".nii", ".mgz", ".mgh", ".hdr")


@dataclass(frozen=True)
class Meaning:
    """What the path of a volume says about it; `named` is whether it names a known contrast."""

    subject: str
    session: str | None
    contrast: str
    named: bool = True


def stem(name: str) -> str:
    """File name without its folder and its suffix (`.nii.gz` counts as one)."""
    base = PurePosixPath(name).name
    for suffix in _VOLUME_SUFFIXES:
        if base.lower().endswith(suffix):
            return base[: -len(suffix)]
    return PurePosixPath(base).stem


def words(text: str) -> list[str]:
    """Lower-case words of a name: split at everything that is no letter or digit."""
    return [word for word in re.split(r"[^A-Za-z0-9]+", text.lower()) if word]


def normalise_contrast(text: str) -> str:
    """The usual name of a contrast: `t1` -> `T1w`, `t1gd` -> `T1wCE`, `flair` -> `FLAIR`.

    An unknown word is kept, reduced to letters and digits; nothing left gives `unknown`.
    """
    plain = "".join(words(text))
    return _CONTRAST_OF.get(plain) or re.sub(r"[^A-Za-z0-9]", "", text) or UNKNOWN


def contrast_in(text: str) -> str | None:
    """The contrast that a word of the text names, or None. Later words win over earlier."""
    parts = words(text)
    found = [_CONTRAST_OF[word] for word in parts if word in _CONTRAST_OF]
    if "FLAIR" in found:
        return "FLAIR"  # also when a name says t2_flair
    if found and found[-1] == "T1w" and {"ce", "gd", "gadolinium", "post"} & set(parts):
        return "T1wCE"
    return found[-1] if found else None


def is_label_map(name: str) -> bool:
    """Whether the path names a label map: a word of the file's name, or a folder of masks."""
    folders = PurePosixPath(name).parts[:-1]
    if any(set(words(folder)) & LABEL_FOLDERS for folder in folders):
        return True
    entities = stem(name)
    # In BIDS names `desc-brain_mask` and `label-WM_probseg` are label maps as well.
    return bool(set(words(entities)) & LABEL_WORDS)


def is_other_data(name: str) -> bool:
    """Whether the path lies in a folder for something else than anatomical scans.

    Label maps are what pipelines leave below `derivatives/`; anything else there is no scan.
    """
    folders = [folder.lower() for folder in PurePosixPath(name).parts[:-1]]
    if not folders:
        return False
    if folders[0] == _PIPELINES and set(words(stem(name))) & LABEL_WORDS:
        return bool(set(folders) & _OTHER_FOLDERS)
    return folders[0] in _OTHER_ROOTS or bool(set(folders) & _OTHER_FOLDERS)


def volume_meaning(name: str) -> Meaning:
    """Subject, visit and contrast of a volume from its relative path.

    Understands BIDS (`sub-1/ses-2/anat/sub-1_ses-2_ce-gadolinium_T1w.nii.gz`), a folder a subject
    (`1/t1.nii.gz`, `1/visit2/1_flair.nii.gz`) and a flat folder (`IXI002-Guys-0828-T1.nii.gz`).
    """
    folders = [folder for folder in PurePosixPath(name).parts[:-1] if folder.lower() != "anat"]
    base = stem(name)
    subject = _entity("sub", folders, base)
    session = _entity("ses", folders, base)
    if subject is None:
        plain = [f for f in folders if not f.lower().startswith("ses-")]
        plain = [f for f in plain if f.lower() not in _SPLIT_FOLDERS] or plain
        if plain:
            subject = plain[0]
            session = session or ("/".join(plain[1:]) or None)
        else:
            subject = _without_contrast(base)
    own = base[len(subject) :] if base.startswith(subject) and base != subject else base
    known = contrast_in(own) or contrast_in("/".join(folders))
    contrast = normalise_contrast(known or _last_word(own))
    return Meaning(subject, session, contrast, known is not None)


def picture_class(folders: list[str]) -> str | None:
    """Class label of a picture: its first folder that names neither a split nor a subject.

    Args:
        folders: the folders between the pictures' common folder and the file.
    """
    for folder in folders:
        if folder.lower() not in _SPLIT_FOLDERS and not re.match(r"(?i)sub-", folder):
            return folder
    return None


def _entity(key: str, folders: list[str], base: str) -> str | None:
    """Value of a BIDS entity with its key, e.g. `sub-01`; folders are asked first."""
    for folder in folders:
        if re.fullmatch(rf"{key}-[A-Za-z0-9+_.-]+", folder):
            return folder
    match = re.search(rf"(?:^|_)({key}-[A-Za-z0-9+]+)(?:_|$)", base)
    return match.group(1) if match else None


def _without_contrast(base: str) -> str:
    """`IXI002-Guys-0828-T1` -> `IXI002-Guys-0828`; a name that is only a contrast stays whole."""
    pieces = re.split(r"([^A-Za-z0-9]+)", base)
    kept = pieces
    while len(kept) > 2 and kept[-1].lower() in _CONTRAST_OF:
        kept = kept[:-2]
    return "".join(kept)


def _last_word(text: str) -> str:
    pieces = words(text)
    return pieces[-1] if pieces and not pieces[-1].isdigit() else UNKNOWN
