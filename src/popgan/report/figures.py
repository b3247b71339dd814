"""The curves of the reports: training and spectra. Values in, SVG out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from popgan.evidence.compare.results import Curve
from popgan.evidence.fidelity.results import Spectra
from popgan.report.svg import (
    BAND,
    GRID,
    INK,
    MUTED,
    REAL,
    SYNTHETIC,
    Drawing,
    canvas,
    to_svg,
)
from popgan.report.words import PERCENT, number, percent, plain

Log = Sequence[Mapping[str, float]]
_WIDTH, _HEIGHT = 390, 250


def training_drawings(log: Log, base: tuple[int, int]) -> list[Drawing]:
    """The training curves, one drawing a question; columns missing from the log are left out.

    Args:
        log: rows of the training log.
        base: height and width of the lowest level, pixels.
    """
    if len(log) < 2:
        return []
    makers = (_reconstruction, _accuracy, _losses, _gradients, _speed)
    drawings = [maker(log, base) for maker in makers]
    return [drawing for drawing in drawings if drawing is not None]


def column(log: Log, name: str) -> np.ndarray | None:
    """One column of the log as float64; None where it is missing or never finite."""
    values = np.array([row.get(name, math.nan) for row in log], dtype=np.float64)
    return values if np.isfinite(values).any() else None


def _reconstruction(log: Log, base: tuple[int, int]) -> Drawing | None:
    """How far a translator's images are from the true ones: in training, and on others."""
    trained, held = column(log, "reconstruction"), column(log, "mae_tuning")
    if trained is None or not np.nanmax(np.abs(trained)):
        return None
    figure, axes = canvas(_WIDTH, _HEIGHT)
    shown = _abscissa(axes, log)
    trained = trained / 2  # images in training have a range of 2, what is reported one of 1
    axes.plot(shown, trained, color=SYNTHETIC, linestyle=(0, (5, 2)), label="training")
    alt = f"Mean absolute error in training, ending at {number(_last(trained))}"
    if held is not None:
        there = np.isfinite(held)
        axes.plot(shown[there], held[there], "o-", color=REAL, ms=4, label="tuning split, brain")
        alt += f", and on the tuning split, ending at {number(_last(held))}"
    axes.set_ylim(0, None)
    axes.set_ylabel("mean absolute error")
    _legend(axes)
    return Drawing(
        to_svg(figure, "reconstruction", f"{alt}."),
        "Distance from the true images",
        "Training: over the whole field, air included, with dropout and augmentation. Tuning: in "
        "the brain of patients that training does not see; if that rises while training goes on "
        "falling, the model learns its patients by heart.",
    )


def _accuracy(
    log: Log,
    base: tuple[int, int],
    title: str = "Accuracy of the discriminator",
    ident: str = "accuracy",
) -> Drawing | None:
    real, fake = column(log, "accuracy_real"), column(log, "accuracy_fake")
    if real is None or fake is None:
        return None
    figure, axes = canvas(_WIDTH, _HEIGHT)
    shown = _abscissa(axes, log)
    axes.axhline(0.5, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
    axes.plot(shown, real, color=REAL, label="real images")
    axes.plot(shown, fake, color=SYNTHETIC, linestyle=(0, (5, 2)), label="synthetic images")
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=PERCENT))
    axes.set_ylabel("recognised correctly")
    _legend(axes, "lower left")
    _levels(axes, log, base)
    alt = (
        f"Accuracy of the discriminator over training. At the end it recognises "
        f"{percent(_last(real))} of real and {percent(_last(fake))} of synthetic images."
    )
    return Drawing(
        to_svg(figure, ident, alt),
        title,
        f"{percent(0.5)} (dotted) on both: it can only guess. Near {percent(1)} on both: it tells "
        "them apart with ease, and the generator learns little.",
    )


def recognised_drawing(name: str, curve: Curve, number: int) -> Drawing | None:
    """Accuracy and losses of one of several models over training; `number` keeps ids apart.

    Losses share no scale with those of other recipes, so only accuracy is drawn.
    """
    rows = zip(curve.images, curve.accuracy_real, curve.accuracy_fake, strict=True)
    log = [
        {"images": images, "accuracy_real": _nan(real), "accuracy_fake": _nan(fake)}
        for images, real, fake in rows
    ]
    return _accuracy(log, (1, 1), title=name, ident=f"accuracy-{number}")


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _losses(log: Log, base: tuple[int, int]) -> Drawing | None:
    generator, discriminator = column(log, "loss_generator"), column(log, "loss_discriminator")
    if generator is None or discriminator is None:
        return None
    figure, axes = canvas(_WIDTH, _HEIGHT)
    shown = _abscissa(axes, log)
    axes.plot(shown, generator, color=SYNTHETIC, linestyle=(0, (5, 2)), label="generator")
    axes.plot(shown, discriminator, color=REAL, label="discriminator")
    axes.set_ylabel("loss")
    axes.set_ylim(min(0, axes.get_ylim()[0]), axes.get_ylim()[1])
    _legend(axes)
    _levels(axes, log, base)
    alt = (
        f"Losses over training, ending at {number(_last(generator))} for the generator and "
        f"{number(_last(discriminator))} for the discriminator."
    )
    return Drawing(
        to_svg(figure, "losses", alt),
        "Adversarial losses",
        "Their balance matters, not their height: losses of a GAN do not measure image quality.",
    )


def _gradients(log: Log, base: tuple[int, int]) -> Drawing | None:
    generator, discriminator = column(log, "grad_generator"), column(log, "grad_discriminator")
    if generator is None or discriminator is None:
        return None
    figure, axes = canvas(_WIDTH, _HEIGHT)
    shown = _abscissa(axes, log)
    axes.plot(shown, generator, color=SYNTHETIC, linestyle=(0, (5, 2)), label="generator")
    axes.plot(shown, discriminator, color=REAL, label="discriminator")
    both = np.concatenate([generator, discriminator])
    if (both[np.isfinite(both)] > 0).all():
        _logarithmic(axes)
    axes.set_ylabel("gradient norm")
    _legend(axes)
    _levels(axes, log, base)
    return Drawing(
        to_svg(figure, "gradients", "Gradient norms of generator and discriminator in training."),
        "Gradient norms",
        "Steady lines mean steady learning; a jump by orders of magnitude is a training that "
        "broke down.",
    )


def _speed(log: Log, base: tuple[int, int]) -> Drawing | None:
    speed = column(log, "images_per_second")
    if speed is None:
        return None
    figure, axes = canvas(_WIDTH, _HEIGHT)
    shown = _abscissa(axes, log)
    axes.plot(shown, speed, color=INK)
    axes.set_ylabel("images per second")
    if np.nanmin(speed) > 0 and np.nanmax(speed) > 8 * np.nanmin(speed):
        _logarithmic(axes)
    else:
        axes.set_ylim(0, None)
    _levels(axes, log, base)
    alt = f"Training speed in images per second, ending at {number(_last(speed))}."
    return Drawing(
        to_svg(figure, "speed", alt),
        "Speed of training",
        "Each level has four times the pixels of the one before."
        if _grows(log)
        else "Real images shown in a second, tick by tick.",
    )


def _grows(log: Log) -> bool:
    level = column(log, "level")
    return level is not None and bool(np.nanmax(level) > np.nanmin(level))


def _legend(axes: Axes, place: Literal["best", "lower left"] = "best") -> None:
    axes.legend(loc=place, handlelength=2.4, frameon=False, fontsize=12, labelcolor=INK)


def _logarithmic(axes: Axes) -> None:
    """A logarithmic ordinate labelled 0.2, 0.5, 1, 2 ... instead of powers of ten."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    steps = (1, 2, 5) if high / low < 300 else (1,)
    axes.yaxis.set_major_locator(LogLocator(10, subs=steps))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(float(value))))
    axes.yaxis.set_minor_locator(NullLocator())


def _last(values: np.ndarray) -> float:
    return float(values[np.isfinite(values)][-1])


def _abscissa(axes: Axes, log: Log) -> np.ndarray:
    """Images shown, in thousands where they are many; sets the axis up."""
    images = column(log, "images")
    shown = images if images is not None else np.arange(len(log), dtype=np.float64)
    thousands = float(np.nanmax(shown)) >= 5000
    axes.set_xlabel("real images shown" + (" (thousands)" if thousands else ""))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    return shown / 1000 if thousands else shown


def _levels(axes: Axes, log: Log, base: tuple[int, int]) -> None:
    """Mark where each level begins, how large its images are, and shade its fade."""
    level, fade = column(log, "level"), column(log, "fade")
    images = column(log, "images")
    if level is None or images is None or np.nanmax(level) == np.nanmin(level):
        return
    shown = images / 1000 if np.nanmax(images) >= 5000 else images
    edges = np.concatenate([[0.0], (shown[1:] + shown[:-1]) / 2, shown[-1:]])
    starts = [0, *(np.flatnonzero(np.diff(level)) + 1)]
    for start in starts:
        if start:
            axes.axvline(edges[start], color=GRID, linewidth=1, zorder=0)
        end = next((other for other in starts if other > start), len(log))
        if fade is not None:
            fading = [row for row in range(start, end) if fade[row] < 1]
            if fading:
                axes.axvspan(edges[start], edges[fading[-1] + 1], color=BAND, zorder=0, lw=0)
        side = base[0] * 2 ** int(level[start])
        if edges[end] - edges[start] > 0.055 * edges[-1]:
            axes.annotate(
                f"{side}",
                ((edges[start] + edges[end]) / 2, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                color=MUTED,
                fontsize=11,
            )
    axes.set_xlim(0, float(edges[-1]))


def spectrum_drawing(spectra: Spectra) -> Drawing:
    """Power of real and synthetic images at each spatial frequency."""
    figure, axes = canvas(_WIDTH, _HEIGHT)
    frequency = np.asarray(spectra.frequency)
    axes.plot(frequency, spectra.mean_image, color=MUTED, linewidth=1.2, label="mean image")
    axes.plot(frequency, spectra.reference, color=REAL, label="held-out real images")
    axes.plot(
        frequency, spectra.synthetic, color=SYNTHETIC, ls=(0, (5, 2)), label="synthetic images"
    )
    axes.set_xlabel("spatial frequency (cycles per pixel)")
    axes.set_ylabel("power (dB)")
    _legend(axes)
    gap = spectra.synthetic[-1] - spectra.reference[-1]
    alt = (
        f"Power spectra of real and synthetic images and of the mean image. At the highest "
        f"frequency synthetic images differ from real ones by {number(gap)} dB."
    )
    return Drawing(
        to_svg(figure, "spectrum", alt),
        "Power spectrum",
        "Right is fine detail. Synthetic below real: too smooth; above it: noise or a grid "
        "pattern. Beyond 0.5 only diagonals remain. 10 dB are a factor of ten.",
    )
