"""Whether a study is still the one that was preregistered, and what was fixed in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from popgan.errors import UserError
from popgan.files import read_json, sha256_file
from popgan.study.frozen import digests
from popgan.study.order import Secret
from popgan.study.preregistration import commitment
from popgan.study.promises import analysis_plan, hypotheses, outcomes
from popgan.study.schema import Design, Study

Standing = Literal["primary", "secondary", "descriptive"]


@dataclass(frozen=True)
class Registered:
    """A preregistration that was found unchanged.

    Attributes:
        sha256: of preregistration.json.
        created: when it was written, UTC, ISO 8601.
        outcomes: part of the analysis -> what it was registered as.
    """

    sha256: str
    created: str
    outcomes: dict[str, Standing]


def check_registered(study: Study) -> Registered:
    """Hold design, key and preregistration against each other.

    Design and key were held against each other when the study was opened, and all files against
    what they were at the first answer (`frozen.check_unchanged`). Here the paper must name the
    same design, its commitment must be that of the key, and both of its forms must say what popgan
    registers for the design. Blanks of the Markdown may be filled.

    Raises:
        UserError: the preregistration is missing, or was changed, or the key was.
    """
    places = study.places
    path = places.preregistration.with_suffix(".json")
    if not path.exists() or not places.preregistration.exists():
        raise UserError(
            "is missing", where=path, do="put the file back: nothing is analysed without it"
        )
    record = read_json(path)
    mend = "put the former file back; a study is analysed as it was registered"
    try:
        hashes = record["hashes"]
        same = hashes["design"] == study.design.hash() and record[
            "design"
        ] == study.design.model_dump(mode="json")
        committed, created = str(hashes["key"]["sha256"]), str(record["created"])
        images = str(hashes["stimuli"])
    except (KeyError, TypeError) as error:
        raise UserError("is no preregistration of popgan", where=path, do=mend) from error
    if not same:
        raise UserError("was changed since the study was created", where=path, do=mend)
    paper = places.preregistration.read_text(encoding="utf-8")
    planned = _check_words(study.design, record, path)
    lost = [text for text in planned if text not in paper]
    if lost or study.design.hash() not in paper or committed not in paper:
        raise UserError(
            "was changed since the study was created", where=places.preregistration, do=mend
        )
    _check_key(study, committed)
    if digests(study)["stimuli"] != images:
        raise UserError("holds other images than those registered", where=places.stimuli, do=mend)
    return Registered(sha256_file(path), created, standings(study.design))


def _check_words(design: Design, record: dict[str, Any], path: Path) -> list[str]:
    """What popgan registers for a design, in words; refused where the record says anything else."""
    words = {
        "hypotheses": hypotheses(design),
        "outcomes": outcomes(design),
        "analysis": analysis_plan(design),
    }
    other = [name for name, texts in words.items() if record.get(name) != texts]
    if other:
        raise UserError(
            f"does not hold the {' and '.join(other)} that popgan registers for this design: it "
            "was changed, or another version of popgan wrote it",
            where=path,
            do="put the former file back, or use the popgan that created the study",
        )
    return [text for texts in words.values() for text in texts]


def standings(design: Design) -> dict[str, Standing]:
    """What the preregistration of a design calls primary, secondary, or only measures."""
    found: dict[str, Standing] = {"detection": "primary", "times": "descriptive"}
    # Between readers, of scores and judgements; and of each with themselves, on the repeats.
    if design.repeats or (design.kind != "2afc" and design.readers > 1):
        found["agreement"] = "descriptive"
    if design.kind != "2afc":
        found["scores"] = "secondary"
        if len(design.synthetic) > 1:
            found["models"] = "secondary"
    return found


def _check_key(study: Study, committed: str) -> None:
    """The truth must be the one that the preregistration commits to."""
    secret = Secret.of(study.places)
    if commitment(secret.value, study.places.key.read_bytes()) != committed:
        raise UserError(
            "is not the key that the preregistration commits to",
            where=study.places.key,
            do="put the former file back",
        )
