"""JPEG 2000 within DICOM: what a frame claims about itself, held against the header.

The decoder ends the process where the two contradict each other, so they are compared first. Read
is only the SIZ segment, which begins every codestream (ISO/IEC 15444-1, A.5.1).
"""

from __future__ import annotations

import struct
from typing import Any

from pydicom.encaps import get_frame

from popgan.scans.scan import ScanError

SYNTAXES = {
    *("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"),
    *("1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"),
}
_START = b"\xff\x4f\xff\x51"  # SOC and SIZ
_END = b"\xff\xd9"
_SIZ = struct.Struct(">HHIIIIIIIIH")
_BOXES = 512  # bytes of boxes that may stand before the codestream
_MOST_BITS = 32


def check_frames(data: Any, rows: int, columns: int, indices: list[int]) -> None:
    """Refuse frames that contradict their header; other encodings pass.

    Args:
        data: the data set with its pixels.
        rows, columns: of a frame, by the header.
        indices: frames that will be decoded.

    Raises:
        ScanError: a frame is missing, damaged, or of another size or depth.
    """
    if str(getattr(data.file_meta, "TransferSyntaxUID", "")) not in SYNTAXES:
        return
    count = int(data.get("NumberOfFrames") or 1)
    samples = int(data.get("SamplesPerPixel") or 1)
    for index in indices:
        try:
            frame = get_frame(data.PixelData, index, number_of_frames=count)
        except Exception as error:  # of many kinds where items are damaged
            raise ScanError("holds pixels that cannot be decoded") from error
        if not _agrees(frame, rows, columns, samples):
            raise ScanError("holds pixels that cannot be decoded: they contradict the header")


def _agrees(frame: bytes, rows: int, columns: int, samples: int) -> bool:
    """Whether a codestream is of the stated size, whole, and of plain depth."""
    start = frame.find(_START, 0, _BOXES)
    if start < 0 or _END not in frame[-64:]:
        return False
    body = start + len(_START)
    if len(frame) < body + _SIZ.size + 3 * samples:
        return False
    length, _, width, height, left, top, tile_width, tile_height, tile_left, tile_top, parts = (
        _SIZ.unpack_from(frame, body)
    )
    if (parts, length) != (samples, _SIZ.size + 3 * samples):
        return False
    if (width - left, height - top) != (columns, rows):
        return False
    if not tile_width > 0 or not tile_height > 0 or tile_left > left or tile_top > top:
        return False
    depths = [
        frame[body + _SIZ.size + 3 * i : body + _SIZ.size + 3 * i + 3] for i in range(samples)
    ]
    return all((depth & 0x7F) < _MOST_BITS and (dx, dy) == (1, 1) for depth, dx, dy in depths)
