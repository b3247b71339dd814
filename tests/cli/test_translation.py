"""What to translate is said by --from and --to; what cannot be is one line before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.cli.main import app
from popgan.errors import UserError
from popgan.run import RunOptions
from popgan.stations.plan import check_overrides
from small_runs import INGEST, call
from translated_runs import tiny, write_pairs

FROM_TO = {"network.sources": ["T1w", "T2w"], "network.target": "FLAIR"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "T1w", "--to", "FLAIR"), "recipe popgan draws images"),
        (("--recipe", "stylegan2", "--to", "FLAIR"), "add --recipe pix2pix or mustgan"),
        (("--recipe", "pix2pix"), "not said to which one"),
        (("--recipe", "pix2pix", "--from", "T1w"), "not said to which one"),
        (("--recipe", "pix2pix", "--to", "FLAIR"), "not said from which contrasts"),
        (("--recipe", "pix2pix", "--from", "t1,T1w", "--to", "FLAIR"), "--from t1,T1w"),
        (("--recipe", "pix2pix", "--from", ",", "--to", "FLAIR"), "--from ',' leaves a name empty"),
        (("--recipe", "pix2pix", "--from", "T1w,", "--to", "FLAIR"), "leaves a name empty"),
        (("--recipe", "pix2pix", "--from", "T1w", "--to", ""), "--to '' leaves a name empty"),
        (("--recipe", "pix2pix", "--from", "T1w", "--to", "FLAIR,T2w"), "more than one contrast"),
        (("--recipe", "pix2pix", "--from", "flair", "--to", "FLAIR"), "both a source and"),
        (("--recipe", "mustgan", "--from", "T1w", "--to", "FLAIR"), "two sources or more"),
        (("--recipe", "pix2pix", "--with-masks"), "leave --with-masks out"),
        (("--recipe", "pix2pix", "--condition", "label"), "leave --condition out"),
        (("--recipe", "mustgan", "--init", "phantom"), "leave --init out"),
        (("--recipe", "mustgan", "-n", "5"), "leave -n out"),
        (
            ("--recipe", "pix2pix", "--from", "T1w", "--to", "FLAIR", "--contrast", "T1w"),
            "contrast FLAIR is not among those of --contrast, T1w",
        ),
        (("--recipe", "magic", "--from", "T1w", "--to", "FLAIR"), "unknown recipe"),
    ],
)
def test_what_cannot_be_translated_is_refused_before_anything_is_read(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "scans").mkdir()
    answer = call("run", tmp_path / "scans", "-o", tmp_path / "run", *options)
    assert answer.status == 2
    assert said in answer.line
    assert not (tmp_path / "run").exists()


def test_a_translator_reads_nearly_whole_volumes_of_what_it_translates() -> None:
    options = RunOptions(recipe="mustgan", overrides=dict(FROM_TO))
    ingest = options.ingest_options()
    assert (ingest.slices, ingest.slice_range) == (40, (5.0, 95.0))
    assert ingest.contrasts == ["T1w", "T2w", "FLAIR"]
    asked = RunOptions(
        recipe="mustgan",
        overrides=dict(FROM_TO),
        ingest={"slices": 8, "slice_range": (20, 80), "contrasts": ["FLAIR", "T2w", "T1w", "PDw"]},
    ).ingest_options()
    assert (asked.slices, asked.slice_range) == (8, (20.0, 80.0))
    assert asked.contrasts == ["FLAIR", "T2w", "T1w", "PDw"]


def test_recipes_that_draw_keep_their_defaults() -> None:
    ingest = RunOptions().ingest_options()
    assert (ingest.slices, ingest.slice_range, ingest.contrasts) == (24, (30.0, 90.0), None)


def test_sources_may_be_all_others_of_the_contrasts_that_are_named() -> None:
    RunOptions(
        recipe="pix2pix",
        overrides={"network.target": "FLAIR"},
        ingest={"contrasts": ["T1w", "FLAIR"]},
    ).check()
    with pytest.raises(UserError, match="add --from"):
        RunOptions(recipe="pix2pix", overrides={"network.target": "FLAIR"}).check()


def test_the_options_are_values_of_the_plan() -> None:
    for name, value in FROM_TO.items():
        check_overrides({name: value}, "mustgan")
        with pytest.raises(UserError):
            check_overrides({name: value}, "popgan")


def test_the_help_tells_of_translation() -> None:
    assert app is not None
    for verb in ("run", "plan"):
        text = call(verb, "--help").out
        assert "--from" in text and "--to" in text
        assert "pix2pix" in text and "mustgan" in text


def test_a_dry_run_plans_a_translator_and_keeps_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("popgan.training.probe.SECONDS_A_LEVEL", 0.01)
    scans = write_pairs(tmp_path / "scans", 4, lesions=False)
    command = ["run", scans, "--recipe", "pix2pix", "--from", "t1", "--to", "FLAIR", *INGEST]
    answer = call(*command, *tiny(), "--dry-run", "--json")
    assert answer.status == 0, answer
    assert answer.result["plan"]["network"]["sources"] == ["T1w"]
    assert answer.result["plan"]["network"]["target"] == "FLAIR"
    assert answer.result["plan"]["data"]["contrasts"] == ["T1w", "FLAIR"]
    assert answer.result["seconds"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["scans"]


def test_the_demo_simulates_what_is_translated(tmp_path: Path, monkeypatch) -> None:
    from popgan import run as main_line
    from popgan.progress import Reporter

    written: list[list[str]] = []
    monkeypatch.setattr(
        main_line, "write_cohort", lambda folder, **how: written.append(list(how["contrasts"]))
    )
    options = RunOptions(
        recipe="pix2pix", overrides={"network.sources": ["T1w"], "network.target": "T2w"}
    )
    first = main_line.phantom_scans(tmp_path, options, Reporter())
    other = main_line.phantom_scans(tmp_path, RunOptions(), Reporter())
    assert written == [["T1w", "T2w"], ["T1w"]]
    assert first != other
