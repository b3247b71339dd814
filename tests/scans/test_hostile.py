"""Files made to break a reader, through real workers: each is refused with a reason, none kills."""

from __future__ import annotations

import gzip
import os
import struct
import threading
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from made_dicom import T1, dataset, head, save, write_series
from made_heads import head_volume
from popgan.child import Crash, Reply, Request
from popgan.cohort.brains import Brains
from popgan.cohort.reading import HeaderReader, InProcess
from popgan.cohort.visits import Visit
from popgan.cohort.work import COMMAND, visit_request
from popgan.errors import UserError
from popgan.pool import Pool
from popgan.preparation.visit import SliceChoice
from popgan.progress import Reporter
from popgan.scans import discover
from popgan.scans.scan import Found, Place

MEMORY = 2**30  # a quarter of what workers may take: what passes here passes there


@pytest.fixture(scope="module")
def pool():
    with Pool(COMMAND, workers=1, memory=MEMORY) as one:
        yield one


def found(path: Path, kind: str = "nifti") -> Found:
    places = (Place(path, 0, "1.2"),) if kind == "dicom" else ()
    return Found(path, path.name, kind, "s", None, "T1w", places=places)


def refused(pool: Pool, path: Path, kind: str = "nifti") -> str:
    """The reason why a file is not read; its worker must have survived it."""
    body = visit_request(Visit("s", 0, (found(path, kind),)), SliceChoice(count=2))
    (reply,) = pool.map([Request(body, 60)])
    assert isinstance(reply, Reply), reply
    assert "error" in reply.value, "it was read"
    return str(reply.value["error"])


def header_refused(pool: Pool, path: Path) -> str:
    """The reason why a DICOM file is not taken for a scan."""
    run = path.parent.parent / "run"
    result = None
    try:
        result = discover(path.parent, headers=HeaderReader(pool, run, path.parent, Reporter()))
    except UserError as error:
        return str(error)
    raise AssertionError(f"it was taken: {result}")


def nifti(path: Path, **fields: object) -> Path:
    """A small head whose header is then changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(head_volume(1), np.diag([5.0, 5, 5, 1]))
    raw = bytearray(image.to_bytes())
    header = nib.Nifti1Header(bytes(raw[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    raw[:348] = header.binaryblock
    path.write_bytes(bytes(raw))
    return path


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def bomb(start: bytes, mebibytes: int, *, wbits: int) -> bytes:
    """A stream that inflates to `start` and so many MiB of zeros, made without deflating them."""
    stream = zlib.compressobj(9, zlib.DEFLATED, wbits)
    first = stream.compress(start) + stream.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block refers to nothing before it: one block can be repeated.
    block = stream.compress(bytes(2**20)) + stream.flush(zlib.Z_FULL_FLUSH)
    return first + block * mebibytes + stream.flush()


def test_a_deflated_bomb_is_stopped_before_it_has_inflated(pool, tmp_path):
    data = dataset(head()[0], position=(0, 0, 0), number=1, **T1)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(data, tmp_path / "d" / "bomb")
    raw = path.read_bytes()
    # What is deflated begins where the first element, the meta header's length, says.
    start = 144 + struct.unpack_from("<I", raw, 140)[0]
    header = zlib.decompress(raw[start:], -15)
    path.write_bytes(raw[:start] + bomb(header, 600, wbits=-15))
    assert path.stat().st_size < 800_000
    assert "inflates to more than 64 MiB" in header_refused(pool, path)
    assert "inflates to more than 64 MiB" in refused(pool, path, "dicom")


def test_gzip_bombs_stop_at_the_size_that_their_header_claims(pool, tmp_path):
    whole = nifti(tmp_path / "a.nii").read_bytes()
    (tmp_path / "bomb.nii.gz").write_bytes(bomb(whole, 1024, wbits=31))
    assert (tmp_path / "bomb.nii.gz").stat().st_size < 2**21
    body = visit_request(Visit("s", 0, (found(tmp_path / "bomb.nii.gz"),)), SliceChoice(count=2))
    (reply,) = pool.map([Request(body, 60)])
    # Everything behind the voxels is not even looked at.
    assert isinstance(reply, Reply)
    assert "error" not in reply.value
    (tmp_path / "d").mkdir()
    packed = bomb(bytes(128) + b"DICM", 2048, wbits=31)
    (tmp_path / "d" / "bomb.dcm.gz").write_bytes(packed)
    assert "holds no scans" in header_refused(pool, tmp_path / "d" / "bomb.dcm.gz")


def test_deep_nesting_of_sequences_is_refused(pool, tmp_path):
    data = dataset(head()[0], position=(0, 0, 0), number=1, **T1)
    raw = save(data, tmp_path / "plain").read_bytes()
    start = raw.index(struct.pack("<HH", 0x0008, 0x0016))
    opening = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    opening += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    path = tmp_path / "d" / "deep"
    path.parent.mkdir()
    path.write_bytes(raw[:start] + opening * 20_000)
    assert "too deeply" in header_refused(pool, path)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"dim": [3, -40, 48, 46, 1, 1, 1, 1]}, "absurd dimensions"),
        ({"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]}, "absurd dimensions"),
        ({"dim": [3, 2000, 2000, 60, 1, 1, 1, 1]}, "truncated or its header lies"),
        ({"dim": [-1, 40, 48, 46, 1, 1, 1, 1]}, "number of dimensions"),
        ({"pixdim": [1, np.nan, 5, 5, 1, 1, 1, 1], "sform_code": 0, "qform_code": 1}, "voxel size"),
        ({"srow_x": [np.nan, 0, 0, 0]}, "voxel size or orientation"),
        ({"scl_slope": np.inf}, "infinite slope"),
        ({"scl_slope": 1, "scl_inter": -np.inf}, "infinite slope"),
        ({"vox_offset": np.inf}, "absurd place"),
        ({"vox_offset": 1e9}, "absurd place"),
        ({"datatype": 2048, "bitpix": 256}, "only plain numbers"),
        ({"magic": b"xx"}, "not a NIfTI"),
        ({"sizeof_hdr": 7}, "not a NIfTI"),
    ],
)
def test_absurd_nifti_headers_are_refused_before_memory_is_given(pool, tmp_path, fields, reason):
    assert reason in refused(pool, nifti(tmp_path / "a.nii", **fields))


def test_pictures_that_claim_to_be_huge_are_refused_by_their_header(pool, tmp_path):
    bomb = png_header(60_000, 60_000) + struct.pack(">I", 9) + b"IDAT" + zlib.compress(bytes(9))
    (tmp_path / "a.png").write_bytes(bomb)
    tiff = b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", 8)
    for tag, kind, value in (
        (256, 4, 100_000), (257, 4, 100_000), (258, 3, 8), (259, 3, 1),
        (262, 3, 1), (273, 4, 8), (278, 4, 100_000), (279, 4, 2**31),
    ):  # fmt: skip
        tiff += struct.pack("<HHII", tag, kind, 1, value)
    (tmp_path / "a.tif").write_bytes(tiff + bytes(64))
    for name in ("a.png", "a.tif"):
        assert "too large a picture" in refused(pool, tmp_path / name, "picture")


@pytest.mark.parametrize("kind", ["nifti", "picture", "dicom"])
def test_empty_and_foreign_files_are_refused(pool, tmp_path, kind):
    for name, content in (("empty", b""), ("text", b"hello" * 100), ("zip", b"PK\x03\x04" * 99)):
        (tmp_path / name).write_bytes(content)
        assert refused(pool, tmp_path / name, kind)
    assert "0 bytes" in refused(pool, tmp_path / "empty", kind)


def test_a_volume_cut_at_any_kilobyte_is_refused_or_whole(pool, tmp_path):
    whole = nifti(tmp_path / "a.nii").read_bytes()
    zipped = gzip.compress(whole)
    for name, raw in (("cut.nii", whole), ("cut.nii.gz", zipped)):
        for length in range(1024, len(raw), 1024 * max(1, len(raw) // 2**16)):
            (tmp_path / name).write_bytes(raw[:length])
            assert "truncated" in refused(pool, tmp_path / name), length


def test_a_slice_cut_at_any_kilobyte_is_refused(pool, tmp_path):
    (tmp_path / "in").mkdir()
    path = write_series(tmp_path / "in", **T1)[0]
    raw = path.read_bytes()
    for length in [*range(1, 400, 40), *range(1024, len(raw), 128)]:
        folder = tmp_path / f"cut{length}"
        folder.mkdir()
        (folder / "slice").write_bytes(raw[:length])
        assert "holds no scans" in header_refused(pool, folder / "slice")


def test_an_index_that_points_outside_is_not_followed(tmp_path):
    data = dataset(head()[0], position=(0, 0, 0), number=1, **T1)
    data.SOPClassUID = "1.2.840.10008.1.3.10"
    data.ReferencedFileID = ["..", "..", "etc", "passwd"]
    save(data, tmp_path / "d" / "DICOMDIR")
    write_series(tmp_path / "d" / "s", SeriesInstanceUID="5", **T1)
    result = discover(tmp_path / "d")
    opened = {path for scan in result.scans for path in scan.files}
    assert len(opened) == 12
    assert all(path.parent == tmp_path / "d" / "s" for path in opened)
    assert any("DICOMDIR" in series.reason for series in result.series)


def test_links_out_of_the_folder_are_not_followed_even_if_made_later(pool, tmp_path):
    secret = nifti(tmp_path / "secret.nii")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.nii").symlink_to(secret)
    assert "symbolic link" in refused(pool, tmp_path / "d" / "a.nii")


def test_a_pipe_among_the_files_does_not_make_ingest_wait(pool, tmp_path):
    os.mkfifo(tmp_path / "a.nii")
    assert "not a regular file" in refused(pool, tmp_path / "a.nii")
    assert len(discover(tmp_path).scans) == 1  # found by its name, nothing read


def test_a_file_that_grows_while_it_is_read_is_noticed(tmp_path):
    from popgan.scans.limits import open_regular
    from popgan.scans.scan import ScanError

    path = nifti(tmp_path / "a.nii")

    def grow() -> None:
        with path.open("ab") as handle:
            handle.write(b"more")

    with pytest.raises(ScanError, match="was changed"), open_regular(path) as (handle, _):
        handle.read(10)
        thread = threading.Thread(target=grow)
        thread.start()
        thread.join()


@pytest.mark.parametrize("name", [b"Doe\xff\xfe.nii", b"two\nlines.nii", b"-rf *.nii", b"%s%n.nii"])
def test_any_name_goes_through_the_pipe_to_a_worker(pool, tmp_path, name):
    path = nifti(tmp_path / os.fsdecode(name))
    body = visit_request(Visit("s", 0, (found(path),)), SliceChoice(count=2))
    (reply,) = pool.map([Request(body, 60)])
    assert isinstance(reply, Reply)
    assert "error" not in reply.value


def test_a_header_that_kills_its_worker_costs_that_file_alone(tmp_path):
    """Of a batch, the file that was open is blamed; the others are read again."""
    paths = write_series(tmp_path / "in", **T1)

    class Deadly(InProcess):
        def map(self, requests):
            for request in requests:
                if str(paths[4]) in request.body["paths"]:
                    yield Crash("crashed its reader (SIGSEGV)", paths[4])
                else:
                    yield from super().map([request])

    write_series(tmp_path / "in" / "good", SeriesInstanceUID="9.9", StudyInstanceUID="9", **T1)
    reader = HeaderReader(Deadly(Brains()), tmp_path / "run", tmp_path / "in", Reporter())
    result = discover(tmp_path / "in", headers=reader)
    first, second = result.quarantined
    assert (first.path, first.reason) == (paths[4], "crashed its reader (SIGSEGV)")
    assert second.reason == "misses 1 of 12 slices"
