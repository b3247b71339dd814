"""PNG, JPEG and TIFF pictures of slices to `Scan`: one file, one slice, grey, 8 or 16 bit.

A picture is taken as displayed: upright, front of the head on top, the subject's right side on
the left (radiological). Its pixels keep the file's order; the affine states that convention,
with pixels of 1 mm because a picture states none.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from popgan.scans.limits import MAX_PIXELS, check_pixels, read_bytes
from popgan.scans.scan import Found, Scan, ScanError
from popgan.scans.voxels import check_content

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
# Axis 0 (rows) runs from anterior to posterior, axis 1 (columns) from right to left.
PICTURE_AFFINE = np.array(
    [[0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float64
)
# Grey pictures saved as RGB JPEG differ a little between channels; colour differs much.
_GREY_TOLERANCE = 0.02
_GREY_MODES = {"L", "I;16", "I;16B", "I;16L", "I;16N", "I", "F", "1"}


def read_picture(found: Found) -> Scan:
    """Read one picture as a volume of one slice, rows x columns x 1.

    Raises:
        ScanError: unreadable, truncated, too large, colour, several pages, constant, or a mask.
    """
    raw, sha256 = read_bytes(found.path)
    if found.labels and raw[:2] == b"\xff\xd8":
        raise ScanError("is a JPEG, whose compression changes labels; save it as PNG")
    pixels = _decode(raw, found.channel, labels=found.labels)
    data = pixels.astype(np.float32)[:, :, None]
    check_content(data, labels=found.labels)
    return Scan(
        subject=found.subject,
        session=found.session,
        contrast=found.contrast,
        data=data,
        affine=PICTURE_AFFINE.copy(),
        path=found.path,
        label=found.label,
        sha256=sha256,
        spacing_known=False,
    )


def _decode(raw: bytes, channel: int | None, *, labels: bool) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about sizes that our limits refuse
            with Image.open(io.BytesIO(raw), formats=("PNG", "JPEG", "TIFF")) as picture:
                check_pixels(*picture.size)
                if getattr(picture, "n_frames", 1) > 1:
                    raise ScanError(f"has {getattr(picture, 'n_frames', 1)} pages; give one a file")
                if labels and picture.mode == "P":
                    return np.asarray(picture)  # the numbers of the colours are the labels
                return _grey(picture) if channel is None else _channel(picture, channel)
    except ScanError:
        raise
    except Image.DecompressionBombError as error:
        raise ScanError(f"is too large a picture (at most {MAX_PIXELS} pixels)") from error
    except UnidentifiedImageError as error:
        raise ScanError("is not a PNG, JPEG or TIFF picture") from error
    except Exception as error:  # Pillow's decoders raise many kinds on damaged files
        raise ScanError(f"is a damaged or truncated picture ({type(error).__name__})") from error


def _grey(picture: Any) -> np.ndarray:
    """Pixels as one grey channel, in the picture's own depth."""
    if picture.mode in _GREY_MODES:
        pixels = np.asarray(picture)
        return pixels.astype(np.uint8) if pixels.dtype == bool else pixels
    if picture.mode == "LA":
        return np.asarray(picture)[..., 0]
    colours = np.asarray(picture.convert("RGB")).astype(np.int16)
    spread = float((colours.max(axis=2) - colours.min(axis=2)).mean()) / 255
    if spread > _GREY_TOLERANCE:
        raise ScanError(
            f"is a colour picture (channels differ by {100 * spread:.0f} % on average); if they "
            "hold three contrasts, --channels says which"
        )
    return colours.mean(axis=2).round().astype(np.uint8)


def _channel(picture: Any, channel: int) -> np.ndarray:
    """One colour channel as a grey picture."""
    if picture.mode not in ("RGB", "RGBA"):
        raise ScanError("is a grey picture, which holds no three contrasts")
    return np.asarray(picture)[..., channel]
