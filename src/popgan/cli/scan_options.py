"""What ingest can be told about scans; other verbs that read scans take these options as well."""

from __future__ import annotations

from typing import Annotated

import typer

Resolution = Annotated[
    int | None,
    typer.Option(
        "--resolution", metavar="SIDE", help="Side of the slices.  [default: the preset's]"
    ),
]
Contrast = Annotated[
    str | None,
    typer.Option(
        "--contrast",
        metavar="NAMES",
        help="T1w, or T1w,FLAIR for several.  [default: most frequent]",
    ),
]
Subjects = Annotated[
    str | None,
    typer.Option(
        "--subjects", metavar="RULE", help="Pictures only: REGEX or TSV that says whose a file is."
    ),
]
ContrastMap = Annotated[
    str | None,
    typer.Option(
        "--contrast-map",
        metavar="YAML",
        help="DICOM only: file that names the contrast of series, or leaves them out.",
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="PERCENT",
        help="Of the subjects, to train on, to choose by and to test with.  [default: 70,15,15]",
    ),
]
SplitSeed = Annotated[
    int,
    typer.Option(
        "--split-seed", metavar="N", min=0, max=2**31 - 1, help="Seed of the split by subject."
    ),
]
Intensity = Annotated[
    str,
    typer.Option(
        "--intensity",
        metavar="METHOD",
        help="Grey values between scans: auto, percentile, zscore, wm-peak or nyul.",
    ),
]
Slices = Annotated[
    int | None, typer.Option("--slices", metavar="N", help="Slices a volume.  [default: 24]")
]
Channels = Annotated[
    str | None,
    typer.Option(
        "--channels",
        metavar="NAMES",
        help="Colour pictures only: the contrasts of red, green, blue, e.g. T1w,FLAIR,T1wCE.",
    ),
]
KeepIds = Annotated[
    bool,
    typer.Option("--keep-ids", help="Show the source's ids of subjects instead of pseudonyms."),
]
Label = Annotated[
    str | None,
    typer.Option(
        "--label",
        metavar="COLUMN",
        help="Class labels: a column of participants.tsv, or map: does a slice show any label?",
    ),
]
Covariate = Annotated[
    str | None,
    typer.Option(
        "--covariate", metavar="COLUMNS", help="Columns of participants.tsv to keep, e.g. age,sex."
    ),
]
LabelMap = Annotated[
    str | None,
    typer.Option(
        "--label-map",
        metavar="NAME",
        help="Label map to keep with the slices, e.g. lesion_mask; or none.  [default: the only]",
    ),
]
BiasField = Annotated[
    str,
    typer.Option(
        "--bias-field",
        metavar="HOW",
        help="auto corrects uneven volumes (N4), n4 every one, off none.",
    ),
]
KeepSkull = Annotated[
    bool,
    typer.Option("--keep-skull", help="Keep heads whole, with faces, which identify."),
]
Space = Annotated[
    str,
    typer.Option(
        "--space", metavar="NAME", help="native, or mni: slices correspond across subjects."
    ),
]
