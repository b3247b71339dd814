"""The paper's head-to-head at 128 pixels: POP-GAN, StyleGAN2, cGAN and DCGAN; mustGAN and pix2pix.

    python benchmarks/paper_table.py --speeds          # first, on a quiet machine
    python benchmarks/paper_table.py [--minutes 15] [--threads 1] [--seeds 0]
    python benchmarks/paper_table.py --status

Every model gets the same minutes of two threads, at speeds that were measured once and are kept, as
in quality.py: so the number of images, and the result, does not depend on how busy the machine is.
Models that draw are trained from scratch on IXI and compared by `popgan compare`: the paper's
unpaired MSE, MAE and PSNR with the rows that show what they are worth, Frechet distance, KID, pairs
of models, and the curves of losses and accuracies. Models that translate are the cells of
translation.py (T1w + T1wCE to FLAIR on gliomas): trained there or here, once, with true pairs.

What is measured is kept in results/paper_table.json cell by cell; the same command does only what
is missing, and an interrupted training goes on. Two processes may work at once. A trial:

    python benchmarks/paper_table.py --phantom 24 --minutes 0.2 --side 32 --work TMP [--speeds]

Real scans are looked for under $POPGAN_DATA; runs lie under runs/paper and are not committed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import translation
from paper_cells import (
    COMPARED,
    DRAWING,
    MINUTES,
    SAMPLES,
    SIDE,
    SPEED_THREADS,
    Bench,
    compare_cell,
    draw_cell,
    freeze_speeds,
    plan_of,
    translate_cell,
)
from paper_curves import figures
from paper_page import page
from popgan.errors import UserError
from popgan.files import write_text
from quality_plan import plan_hash
from quality_store import Store

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / "runs" / "paper"
PARTS = ("draw", "compare", "translate")


def run_cells(bench: Bench, parts: Sequence[str], results: Path) -> int:
    """Measure what is missing; returns how many cells could not be measured."""
    work: list[tuple[str, Callable[[], bool]]] = []
    if "draw" in parts:
        for seed in bench.seeds:
            work += [(s.name, partial(draw_cell, s, seed, bench)) for s in DRAWING]
    if "compare" in parts:
        work.append((COMPARED, partial(compare_cell, bench)))
    if "translate" in parts:
        work += [(cell.name, partial(translate_cell, cell, bench)) for cell in bench.translated]
    troubles = 0
    for name, measure in work:
        try:
            if measure():
                write_page(bench, results)
        except UserError as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            troubles += 1
    return troubles


def write_page(bench: Bench, results: Path) -> None:
    """The page and its figures, from what the files hold now."""
    with bench.store.alone("pages"):
        cells, translated = bench.store.cells(), bench.translations.store.cells()
        shown = {cell.name: translated.get(cell.name) for cell in bench.translated}
        drawn = figures(cells, results)
        write_text(results / "paper_table.md", page(cells, shown, bench.minutes, drawn))


def status(bench: Bench) -> str:
    """What is done and what is missing."""
    known, lines, left = bench.store.cells(), [], 0.0
    for seed in bench.seeds:
        for setting in DRAWING:
            name = f"draw/{setting.name}/{seed}"
            try:
                asked = {
                    "minutes": bench.minutes,
                    "plan": plan_hash(plan_of(setting, seed, bench)),
                }
            except UserError as error:
                lines.append(f"{name}: not possible: {error}")
                continue
            done = known.get(name, {}).get("asked") == asked
            left += 0.0 if done else bench.minutes
            lines.append(f"{name}: {'done' if done else 'missing'}")
    trained, speeds = bench.translations, bench.translation_speeds
    lines.append(f"{COMPARED}: {'there' if COMPARED in known else 'missing'}")
    for cell in bench.translated:
        asked = translation.asked_of(cell, trained, speeds)[0]
        done = trained.store.find(cell.name, asked) is not None
        left += 0.0 if done else bench.minutes
        lines.append(f"{cell.name}: {'done' if done else 'missing'}")
    # Minutes are granted of two threads.
    lines.append(f"missing: about {left * SPEED_THREADS / bench.threads / 60:.1f} h of training")
    return "\n".join(lines)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of this benchmark."""

    def parts(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in PARTS]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(PARTS)}")
        return names

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--speeds", action="store_true", help="measure and freeze the speeds")
    parser.add_argument("--rounds", type=int, default=3, help="of the speeds")
    parser.add_argument("--only", type=parts, default=list(PARTS), metavar="PARTS")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of every training")
    parser.add_argument("--threads", type=int, default=1, help="of every training")
    parser.add_argument(
        "--seeds", type=lambda text: tuple(int(part) for part in text.split(",")), default=(0,)
    )
    parser.add_argument("--side", type=int, default=SIDE, help="of the slices, pixels")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="synthetic images a model")
    parser.add_argument(
        "--phantom", type=int, default=0, metavar="N", help="N simulated heads instead of real ones"
    )
    parser.add_argument("--status", action="store_true", help="what is done and what is missing")
    parser.add_argument("--restart", action="store_true", help="forget the cells of --only first")
    parser.add_argument("--table", action="store_true", help="write the page again, no more")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the runs")
    parser.add_argument(
        "--results", type=Path, help="default: benchmarks/results, or WORK/results of a trial"
    )
    return parser.parse_args(arguments)


def bench_of(options: argparse.Namespace) -> tuple[Bench, Path]:
    """What the options say, and where results go."""
    usual = options.work == WORK
    results = options.results or (HERE / "results" if usual else options.work / "results")
    place = options.work.parent / "translation" if usual else options.work / "translation"
    for folder in (options.work, place, results):
        folder.mkdir(parents=True, exist_ok=True)
    translated = translation.Bench(
        place,
        Store(results / "translation.json", place / "locks"),
        options.threads,
        minutes=options.minutes,
        side=options.side,
        phantoms=options.phantom or translation.PHANTOMS,
    )
    bench = Bench(
        work=options.work,
        store=Store(results / "paper_table.json", options.work / "locks"),
        translations=translated,
        minutes=options.minutes,
        side=options.side,
        samples=options.samples,
        threads=options.threads,
        seeds=options.seeds,
        phantoms=options.phantom,
    )
    return bench, results


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing; write the JSON, the page and the figures."""
    options = parse(arguments)
    bench, results = bench_of(options)
    troubles = 0
    try:
        if options.restart:
            named = {"draw": "draw/", "compare": COMPARED, "translate": "curve/"}
            starts = tuple(named[part] for part in options.only)
            bench.store.forget([name for name in bench.store.cells() if name.startswith(starts)])
        if options.speeds:
            freeze_speeds(bench, options.rounds)
        elif options.status:
            print(status(bench))
            return 0
        elif not options.table:
            troubles = run_cells(bench, options.only, results)
        write_page(bench, results)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 1 if troubles else 0


if __name__ == "__main__":
    raise SystemExit(main())
