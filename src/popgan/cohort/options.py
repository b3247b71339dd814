"""What the user may choose about ingest, with its defaults and its limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from popgan.errors import UserError
from popgan.preparation.normalise import METHODS, Method
from popgan.preparation.visit import SliceChoice
from popgan.scans.names import normalise_contrast

SMALLEST, LARGEST = 16, 512
VALID_SIDES = tuple(
    sorted(
        {
            base << power
            for base in range(3, 9)
            for power in range(8)
            if SMALLEST <= base << power <= LARGEST
        }
    )
)
"""Sides that progressive growing reaches by doubling from 3..8."""


def check_resolution(side: int) -> int:
    """Return a valid side of a slice in pixels.

    Raises:
        UserError: the side is not 3..8 times a power of two, or not within 16..512; the nearest
            valid ones are named.
    """
    if side in VALID_SIDES:
        return side
    below = [valid for valid in VALID_SIDES if valid < side]
    above = [valid for valid in VALID_SIDES if valid > side]
    near = " or ".join(str(valid) for valid in (*below[-1:], *above[:1]))
    raise UserError(
        f"--resolution {side} is not possible: a side is 3 to 8 times a power of two, "
        f"from {SMALLEST} to {LARGEST}",
        do=f"take {near}",
    )


def contrast_names(given: Sequence[str], option: str) -> list[str]:
    """The usual names of contrasts that a user typed: `t1,flair` -> T1w, FLAIR.

    Args:
        given: as typed.
        option: what they were given to, such as `--contrast`.

    Raises:
        UserError: none, an empty one, or one of them twice.
    """
    names = [normalise_contrast(name) for name in given]
    if not all(name.strip() for name in given):
        raise UserError(
            f"{option} {','.join(given)!r} leaves a name empty",
            do="name contrasts by commas, e.g. T1w,T1wCE",
        )
    if not given or len(set(names)) != len(names):
        raise UserError(f"{option} {','.join(given)}: name each contrast once")
    return names


class IngestOptions(BaseModel):
    """Choices about ingest.

    Attributes:
        contrasts: contrasts to use, one image channel each; None takes the cohort's most frequent.
        resolution: side of the square slices, pixels.
        slices: axial slices a volume.
        slice_range: lower and upper end of the slices, percent of the brain's height.
        intensity_percentile: percentile of the foreground that becomes full brightness.
        intensity: normalisation of grey values between scans, see `popgan.preparation.normalise`;
            `auto` chooses by the spread between training scans.
        subjects: regular expression with one group, or TSV file, that groups files to subjects.
        contrast_map: YAML file that names contrasts of DICOM series; see
            `popgan.scans.contrast_map`.
        channels: contrasts of the red, green and blue channel of colour pictures; None where
            pictures are grey.
        label: what classes come from: a column of participants.tsv, or `map` for whether a slice
            shows any label of its map; None: class folders of pictures.
        covariates: columns of participants.tsv, sessions.tsv or scans.tsv to keep.
        label_map: kind of label map to keep; None takes the only one, `none` takes none.
        keep_ids: show the source's own ids of subjects instead of pseudonyms.
        bias_field: auto corrects what is uneven; n4 corrects every volume; off none.
        keep_skull: keep heads whole, faces included; brains are extracted otherwise.
        space: native, or mni: slices of one height then show the same part of the brain.
        seed: of the split by subject.
        fractions: shares of subjects in train, tuning and test.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    contrasts: list[str] | None = None
    resolution: int = 64
    slices: int = Field(default=24, ge=1, le=512)
    slice_range: tuple[float, float] = (30.0, 90.0)
    intensity_percentile: float = Field(default=99.5, gt=50, le=100)
    intensity: Literal["auto"] | Method = "auto"
    subjects: str | None = None
    contrast_map: str | None = None
    channels: list[str] | None = None
    label: str | None = None
    covariates: list[str] | None = None
    label_map: str | None = None
    keep_ids: bool = False
    bias_field: Literal["auto", "n4", "off"] = "auto"
    keep_skull: bool = False
    space: Literal["native", "mni"] = "native"
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    fractions: tuple[float, float, float] = (0.70, 0.15, 0.15)

    @field_validator("contrasts")
    @classmethod
    def _known_names(cls, value: list[str] | None) -> list[str] | None:
        return None if value is None else contrast_names(value, "--contrast")

    @field_validator("channels")
    @classmethod
    def _three_contrasts(cls, value: list[str] | None) -> list[str] | None:
        if value is None:
            return None
        names = [normalise_contrast(name) for name in value]
        if len(names) != 3 or len(set(names)) != 3:
            raise UserError(
                f"--channels {','.join(value)} is not possible",
                do="name the contrasts of red, green and blue, e.g. T1w,FLAIR,T1wCE",
            )
        return names

    @field_validator("covariates")
    @classmethod
    def _named_once(cls, value: list[str] | None) -> list[str] | None:
        names = [name.strip() for name in value or []]
        if value is not None and (not all(names) or len(set(names)) != len(names)):
            raise UserError(f"--covariate {','.join(value)}: name each column once")
        return names or None

    @field_validator("resolution")
    @classmethod
    def _valid_side(cls, value: int) -> int:
        return check_resolution(value)

    @field_validator("intensity", mode="before")
    @classmethod
    def _known_method(cls, value: object) -> object:
        if value not in ("auto", *METHODS):
            raise UserError(
                f"--intensity {value} is not possible", do=f"take auto, {', '.join(METHODS)}"
            )
        return value

    @field_validator("slice_range")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] < value[1] <= 100:
            raise UserError(
                f"the range of slices {value[0]:g}..{value[1]:g} % is not possible",
                do="give two percentages between 0 and 100, the lower first",
            )
        return value

    @field_validator("fractions")
    @classmethod
    def _shares(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(value) <= 0 or abs(sum(value) - 1) > 1e-6:
            raise UserError(
                f"the fractions of the splits {value} are not possible",
                do="give three positive shares that sum to 1",
            )
        return value

    @classmethod
    def parse(cls, **values: Any) -> IngestOptions:
        """Make options from untrusted values.

        Raises:
            UserError: an unknown name, a wrong type or a value out of range.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"])
            raise UserError(f"{name}: {first['msg']} (got {first['input']!r})") from error


def slice_choice(options: IngestOptions, *, simulated: bool) -> SliceChoice:
    """What preparation needs to know of the options.

    Args:
        options: of ingest.
        simulated: whether the scans are popgan's own phantoms.
    """
    return SliceChoice(
        count=options.slices,
        percent=options.slice_range,
        percentile=options.intensity_percentile,
        bias_field=options.bias_field,
        keep_skull=options.keep_skull,
        space=options.space,
        simulated=simulated,
    )
