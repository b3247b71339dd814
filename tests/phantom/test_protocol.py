"""A protocol file changes what it names, and is refused in one clear line where it cannot be."""

import re

import pytest
import yaml

from popgan.errors import UserError
from popgan.phantom.artefacts import NONE, Ghosting, Motion
from popgan.phantom.protocol import SEQUENCES, Sequence, load_protocol, parse_protocol
from popgan.phantom.tissue import tissue


def parsed(text):
    return parse_protocol(yaml.safe_load(text), where="file.yaml")


def test_without_a_file_there_are_the_usual_sequences():
    plain = load_protocol()
    assert dict(plain.sequences) == SEQUENCES
    assert plain.artefacts == NONE
    assert plain.tissue("gm") == tissue("gm", field=3.0)


def test_every_usual_sequence_can_be_played_out():
    for name, sequence in SEQUENCES.items():
        assert sequence.check(name) is sequence


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    path = tmp_path / "protocol.yaml"
    path.write_text(
        """
        sequences:
          T1w: {kind: spgr, tr: 18, te: 10, angle: 30}
          FLAIR: {ti: 2400}
        tissues:
          ms: {t1: 1300}
        artefacts:
          ghosting: {ghosts: 3}
          motion:
        """
    )
    made = load_protocol(path, field=1.5)
    assert made.sequence("T1w") == Sequence("spgr", 18, 10, angle=30)
    assert made.sequence("FLAIR") == Sequence("flair", 9000, 120, ti=2400)
    assert made.sequence("T2w") == SEQUENCES["T2w"]
    assert made.tissue("ms").t1 == 1300
    assert made.tissue("ms").t2 == tissue("ms", field=1.5).t2
    assert made.artefacts.ghosting == Ghosting(3, 0.15)
    assert made.artefacts.motion == Motion()
    assert made.artefacts.spikes is None


def test_before_and_after_contrast_agent_are_scanned_alike_unless_said_otherwise():
    made = parsed("sequences: {T1w: {kind: spgr, tr: 18, te: 4, angle: 30}}")
    assert made.sequence("T1wCE") == made.sequence("T1w")
    made = parsed("sequences: {T1w: {ti: 1000}, T1wCE: {ti: 950}}")
    assert (made.sequence("T1w").ti, made.sequence("T1wCE").ti) == (1000, 950)


def test_sidecars_speak_seconds_and_degrees():
    found = SEQUENCES["T1w"].sidecar()
    assert found["RepetitionTime"] == 2.3
    assert found["EchoTime"] == 0.003
    assert found["InversionTime"] == 0.9
    assert found["FlipAngle"] == 9
    assert "InversionTime" not in SEQUENCES["T2w"].sidecar()


@pytest.mark.parametrize(
    ("contrast", "sequence"),
    [("T1w", ["GR", "IR"]), ("FLAIR", ["SE", "IR"]), ("T2w", "SE"), ("PDw", "SE")],
)
def test_sidecars_say_where_there_is_an_inversion(contrast, sequence):
    assert SEQUENCES[contrast].sidecar()["ScanningSequence"] == sequence
    spoiled = parsed("sequences: {T1w: {kind: spgr, tr: 18, te: 4, angle: 30}}")
    assert spoiled.sequence("T1w").sidecar()["ScanningSequence"] == "GR"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sequences: {T9w: {tr: 5}}", "no contrast 'T9w'.*choose among T1w"),
        ("sequences: {T2w: {te: 5000}}", "TE 5000 ms does not fit into TR 4000 ms"),
        ("sequences: {T2w: {tr: -5}}", "T2w: tr: -5 is out of range"),
        ("sequences: {T2w: {ti: 5}}", "kind spin_echo takes no ti"),
        ("sequences: {T2w: {kind: spgr, tr: 18, te: 3}}", "kind spgr needs angle"),
        ("sequences: {T2w: {kind: epi}}", "no kind of sequence is called 'epi'.*spin_echo"),
        ("sequences: {T2w: {kind: [epi]}}", "no kind of sequence is called"),
        ("sequences: {T2w: {te: 1" + 400 * "0" + "}}", "T2w: te: a number is out of range"),
        ("sequences: {T1w: {te: 8}}", "TE 8 ms does not fit between excitations 7 ms apart"),
        ("sequences: {T2w: {tx: 5}}", "nothing is called 'tx'.*choose among kind, tr"),
        ("sequences: {FLAIR: {ti: 8950}}", "TI 8950 ms does not fit.*between 0 and 8880"),
        ("sequences: {FLAIR: {ti: 0}}", "ti: 0 is out of range"),
        ("sequences: {T1w: {ti: 500}}", "TI 500 ms does not fit.*between 616 and 1684"),
        ("sequences: {T1w: {ti: 2000}}", "TI 2000 ms does not fit"),
        ("sequences: {T1w: {pulses: 500}}", "give fewer pulses"),
        ("sequences: {T1w: {pulses: 9.5}}", "9.5 pulses"),
        ("sequences: {T1w: {angle: .nan}}", "nan is not a number"),
        ("sequences: {T1w: {angle: wide}}", "'wide' is not a number"),
        ("sequences: [T1w]", "not a table"),
        ("[1, 2]", "not a table"),
        ("tissues: {liver: {t1: 500}}", "no tissue 'liver'.*choose among wm"),
        ("tissues: {wm: {t1: 0}}", "t1: 0 is out of range"),
        ("tissues: {wm: {t3: 5}}", "nothing is called 't3'"),
        ("artefacts: {wrap: {}}", "nothing is called 'wrap'.*choose among thick_slices"),
        ("artefacts: {gibbs: {kept: 2}}", "kept: 2 is out of range.*0.1 to 1"),
        ("artefacts: {spikes: {count: 1.5}}", "1.5 is not a whole number"),
        ("speed: 5", "nothing is called 'speed'.*choose among sequences"),
    ],
)
def test_what_cannot_be_is_one_clear_line(text, says):
    with pytest.raises(UserError, match=r"^file\.yaml") as caught:
        parsed(text)
    assert re.search(says, str(caught.value))
    assert "\n" not in str(caught.value)


def test_an_unreadable_file_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_protocol(tmp_path / "none.yaml")
    path = tmp_path / "bad.yaml"
    path.write_text("sequences: {T1w: [")
    with pytest.raises(UserError, match=r"bad\.yaml: is not readable YAML"):
        load_protocol(path)
    with pytest.raises(UserError, match=r"1\.5 and 3 T"):
        load_protocol(None, field=7.0)
