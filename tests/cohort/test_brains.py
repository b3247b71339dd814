"""One process outlines brains for all; if it dies, a scan is set aside and the next is served."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from made_heads import head_volume
from popgan.cohort import Cohort, IngestOptions
from popgan.cohort.brains import Brains, extractor
from popgan.cohort.source import is_phantom
from popgan.errors import UserError
from popgan.scans import ScanError

# A process that answers as the "volume" it is given says.
COMMAND = """
import ctypes, os, sys, time
import numpy as np
from popgan.sandbox import Sandbox

def handle(body, blob):
    data = np.frombuffer(blob, np.float32).reshape(body["shape"])
    if data[0, 0, 0] == 1:
        ctypes.string_at(0)
    if data[0, 0, 0] == 2:
        while True:
            pass
    if data[0, 0, 0] == 3:
        return {"missing": "deepbet is not installed"}, b""
    return {"shape": body["shape"], "pid": os.getpid()}, (data > 5).astype(np.uint8).tobytes()

Sandbox(int(sys.argv[1])).serve(handle)
"""


@pytest.fixture
def brains(monkeypatch):
    monkeypatch.setattr("popgan.cohort.brains._SECONDS", 0.3)
    made = Brains(COMMAND)
    yield made
    made.child.kill()


def test_a_mask_comes_back_in_its_place(brains):
    data = np.random.default_rng(0).uniform(4, 6, (5, 6, 7)).astype(np.float32)
    np.testing.assert_array_equal(extractor(brains)(data, "T1w"), data > 5)


@pytest.mark.parametrize(("first", "says"), [(1, "crashed the network"), (2, "takes too long")])
def test_a_volume_that_kills_the_process_is_told_and_the_next_is_served(brains, first, says):
    bad, good = np.full((2, 3, 4), first, np.float32), np.full((2, 3, 4), 9, np.float32)
    with pytest.raises(ScanError, match=says) as caught:
        extractor(brains)(bad, "T1wCE")
    assert caught.value.contrast == "T1wCE"
    assert extractor(brains)(good, "T1w").all()


def test_missing_networks_are_the_users_to_mend(brains):
    with pytest.raises(UserError, match=r"deepbet 1\.0\.2, or keep heads whole"):
        extractor(brains)(np.full((2, 3, 4), 3, np.float32), "T1w")


def test_a_visit_whose_brain_cannot_be_extracted_is_set_aside_by_its_name(
    write_head, tmp_path, monkeypatch, brains
):
    """Two workers, one process for brains that dies of every head."""
    for seed in range(3):
        write_head(tmp_path / "in" / f"s{seed}" / "t1.nii.gz", seed, spacing=3.0)
    crash = COMMAND.replace("data[0, 0, 0] == 1", "True")
    monkeypatch.setattr("popgan.cohort.reading.Brains", lambda: Brains(crash))
    monkeypatch.setattr("popgan.cohort.brains._SECONDS", 20)
    with pytest.raises(UserError, match=r"none of the 3 scans can be used; t1.nii.gz cannot have"):
        options = IngestOptions(slices=4)
        Cohort.from_folder(tmp_path / "in", tmp_path / "run", options=options, workers=2)


def test_the_phantom_is_known_by_what_its_data_set_says(tmp_path):
    told = {"Name": "popgan phantom", "GeneratedBy": [{"Name": "popgan"}]}
    path = tmp_path / "dataset_description.json"
    assert not is_phantom(tmp_path)
    for content, expected in (
        (told, True),
        ({**told, "Name": "IXI"}, False),
        ({**told, "GeneratedBy": [{"Name": "scanner"}]}, False),
        ({"Name": "popgan phantom"}, False),
        ([1], False),
    ):
        path.write_text(json.dumps(content))
        assert is_phantom(tmp_path) is expected
    path.write_text("{" * 100_000)
    assert not is_phantom(tmp_path)


def test_the_phantoms_way_loads_no_heavy_package():
    code = (
        "import sys, popgan.cohort.build, popgan.cohort.work; "
        "print({'SimpleITK', 'deepbet', 'torch'} & {n.split('.')[0] for n in sys.modules})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("shape", "value"),
    [((1, 20, 20), 0.0), pytest.param((20, 20, 20), 7.0, marks=pytest.mark.slow)],
)
def test_the_networks_find_no_brain_in_nothing(shape, value):
    from popgan.extraction import handle

    data = np.full(shape, value, np.float32)
    answer, blob = handle({"shape": list(shape)}, data.tobytes())
    assert answer == {"shape": shape}
    assert len(blob) == data.size
    wrong, _ = handle({"shape": [300, 2, 2]}, bytes(4 * 1200))
    assert "error" in wrong


@pytest.mark.slow
def test_the_networks_find_the_brain_of_a_made_head():
    from popgan.extraction import brain_mask

    data = head_volume(0, spacing=2.5).astype(np.float32)
    mask = brain_mask(data)
    assert mask.shape == data.shape
