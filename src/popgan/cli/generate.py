"""`popgan generate`: a synthetic data set from a trained model, or ways between its images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of
from popgan.cli.stopping import begins_anew
from popgan.errors import UserError

HELP = """Write a synthetic data set: NIfTI in BIDS, and PNGs.

With --release: a set that was itself audited, to give away."""

Number = Annotated[
    int | None,
    typer.Option("-n", "--images", metavar="N", min=1, help="Images.  [default: the plan's]"),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", metavar="N", min=0, max=2**31 - 1, help="Image k of a seed never changes."
    ),
]
First = Annotated[
    int | None,
    typer.Option(
        "--first",
        metavar="K",
        min=0,
        max=2**31 - 1,
        help="Index of the first image; with -n 1, image K alone.",
    ),
]
Class = Annotated[
    str | None, typer.Option("--class", metavar="NAME", help="Class that images shall have.")
]
Age = Annotated[float | None, typer.Option("--age", metavar="YEARS", help="Age to draw for.")]
Height = Annotated[
    float | None,
    typer.Option("--height", metavar="SHARE", help="Height of slices: 0 bottom .. 1 top."),
]
Given = Annotated[
    list[str] | None,
    typer.Option(
        "--given", metavar="NAME=VALUE", help="Any other condition, such as sex=F; repeatable."
    ),
]
Truncation = Annotated[
    float,
    typer.Option("--truncation", metavar="PSI", help="stylegan2: below 1 more usual images."),
]
Interpolate = Annotated[
    str | None,
    typer.Option(
        "--interpolate", metavar="SEED:A,B,..", help="Only a strip from image to image, as PNG."
    ),
]
Walk = Annotated[
    int | None,
    typer.Option("--walk", metavar="N", min=2, max=2000, help="Only a GIF of so many frames."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o", "--out", metavar="PATH", help="Folder or file.  [default: RUN/synthetic/NAME]"
    ),
]


Release = Annotated[
    bool,
    typer.Option(
        "--release",
        help="Make a set to give away: audited as it is, with hashes. Needs an audit.",
    ),
]
Accept = Annotated[
    str | None,
    typer.Option(
        "--accept-untested",
        metavar="REASON",
        help="Release though there are too few subjects to test; the reason goes into the set.",
    ),
]


def generate(
    context: typer.Context,
    folder: shared.RunFolder,
    n: Number = None,
    seed: Seed = 0,
    first: First = None,
    label: Class = None,
    age: Age = None,
    height: Height = None,
    given: Given = None,
    truncation: Truncation = 1.0,
    interpolate: Interpolate = None,
    walk: Walk = None,
    name: shared.Name = None,
    out: Out = None,
    release: Release = False,
    accept_untested: Accept = None,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    way = interpolate is not None or walk is not None
    if interpolate is not None and walk is not None:
        raise UserError("--interpolate and --walk exclude each other", do="ask for one")
    if interpolate is not None and "seed" in shared.typed(context):
        raise UserError("--interpolate SEED:A,B,.. names its seed", do="leave out --seed")
    _check_together(
        way=way, n=n, first=first, release=release, accepted=accept_untested is not None
    )
    asked = _asked(given or [], {"label": label, "age": age, "height": height})
    with (
        begins_anew("a set that is not whole was not kept"),
        shared.opened(folder, name, reporter) as model,
    ):
        from popgan.stations import generate as station
        from popgan.stations import ways
        from popgan.stations.draw import Wish
        from popgan.synthesis.walk import parse_way

        wish = Wish(asked, truncation)
        if release:
            from popgan.stations.release import release as give

            written = give(
                model, n, seed=seed, wish=wish, out=out, accept=accept_untested, reporter=reporter
            )
        elif interpolate is not None:
            seed, indices = parse_way(interpolate)
            written = ways.interpolate(model, seed, indices, wish=wish, out=out, reporter=reporter)
        elif walk is not None:
            written = ways.walk(model, walk, seed=seed, wish=wish, out=out, reporter=reporter)
        else:
            written = station.generate(
                model, n, seed=seed, first=first, wish=wish, out=out, reporter=reporter
            )
    if release:
        lines, data = _released(written)
        shown.show(lines, data | {"seed": seed})
        return
    shown.show([f"synthetic data: {written}"], {"synthetic": written, "seed": seed})


def _check_together(
    *, way: bool, n: int | None, first: int | None, release: bool, accepted: bool
) -> None:
    """Refuse options that say nothing together.

    Raises:
        UserError: a part of a set, or a way, is to be released or is both; a way has a number of
            images; or nothing is released.
    """
    if release and way:
        raise UserError("--release makes a set of images", do="leave out --interpolate and --walk")
    if n is not None and way:
        raise UserError(
            "-n is for sets of images", do="leave it out, or leave out --interpolate and --walk"
        )
    if first is not None and (release or way):
        other = "--release" if release else "--interpolate and --walk"
        raise UserError("--first draws a part of a set", do=f"leave out --first, or {other}")
    if accepted and not release:
        raise UserError("--accept-untested concerns releases", do="add --release")


def _released(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """What a release amounts to: for people, and for machines."""
    from popgan.files import read_json
    from popgan.stations.audited import StoredAudit

    found = StoredAudit.model_validate(read_json(folder / "audit.json"))
    verdict = found.verdict()
    lines = [
        f"{found.n} images, {found.dropped} left out for resembling training images; the set was "
        "audited as it is.",
        f"privacy: {verdict.sentence}",
        *([f"released all the same: {found.accepted}"] if found.accepted else []),
        f"release: {folder}  (read RELEASE.md; check with `sha256sum -c SHA256SUMS`)",
    ]
    data = {
        "release": folder,
        "images": found.n,
        "left_out": found.dropped,
        "accepted": found.accepted,
        "verdict": verdict.model_dump(mode="json"),
    }
    return lines, data


def _asked(settings: list[str], named: dict[str, str | float | None]) -> dict[str, str | float]:
    """What images are drawn for: from --given, and from the options that have names of their own.

    Raises:
        UserError: one is not NAME=VALUE, or the same is given twice.
    """
    found: dict[str, str | float] = {}
    for setting in settings:
        # The last sign: of a covariate of several words, site=A may be the name.
        name, equals, value = setting.rpartition("=")
        if not equals or not name.strip() or not value.strip():
            raise UserError(f"--given {setting!r} is not name=value", do="write --given sex=F")
        if name.strip() in found:
            raise UserError(f"--given has {name.strip()} twice", do="give it once")
        found[name.strip()] = value.strip()
    for name, one in named.items():
        if one is not None and name in found:
            option = "--class" if name == "label" else f"--{name}"
            raise UserError(f"{option} and --given {name} say the same", do="give one of them")
    return found | {name: one for name, one in named.items() if one is not None}
