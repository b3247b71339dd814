"""A translator's pages: every number of the measurement, no image to share, error maps by rule."""

import re

import numpy as np
import pytest
from paired_fixtures import (
    SOURCES,
    WAYS,
    content,
    paired,
    pictures,
    secret,
    translator_plan,
    uncertainty,
)
from report_fixtures import HOSTILE
from test_report import Outline

from popgan.evidence.paired.results import MethodRow, PatientMean, Score
from popgan.report.guard import PrivateContentError, assert_self_contained
from popgan.report.paired_content import TranslatorContent
from popgan.report.paired_pictures import ERROR_TOP, outlined, patient_view
from popgan.report.pixels import slice_uri
from popgan.report.private import private_html
from popgan.report.shareable import report_html, write_report


def words(html):
    text = re.sub(r"<style.*?</style>|<svg.*?</svg>", " ", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def section(html, name):
    return re.search(rf'<section id="{name}">.*?</section>', html, re.S)[0]


def undrawn(found="made up", **changes):
    """A page without training curves, which take the most time."""
    return report_html(content(found, log=[], **changes))


@pytest.fixture(scope="module")
def page():
    return report_html(content())


@pytest.fixture(scope="module")
def private_page():
    return private_html(content(), secret())


def test_pages_are_well_formed_with_unique_ids_and_load_nothing(page, private_page):
    for html in (page, private_page):
        outline = Outline(html)
        ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        links = {attrs["href"].removeprefix("#") for attrs in outline.all("a")}
        assert links <= set(ids)
        assert_self_contained(html)
        assert "script" not in {tag for tag, _ in outline.tags}


def test_the_sections_are_those_of_a_translator(page):
    ids = {attrs.get("id") for attrs in Outline(page).all("section")}
    kept = {"tested", "training", "cohort", "plan", "provenance", "limits"}
    kept |= {"privacy", "release", "checklists"}
    assert ids == {"translation", "uncertainty", *kept}
    said = words(page).casefold()
    for gan in ("drawn at random", "random vector", "latent", "kernel distance", "gallery"):
        assert gan not in said


def test_the_shareable_page_shows_no_image_at_all_and_says_why(page):
    outline = Outline(page)
    assert outline.all("img") == []
    assert outline.all("image") == []
    assert "data:image" not in page
    assert "shows that patient's brain" in words(page)
    arrays = [name for name, kind in TranslatorContent.__annotations__.items() if "NDArray" in kind]
    assert arrays == []


def test_the_shareable_page_names_no_patient(page, tmp_path):
    known = secret()
    ids = [s.pseudonym for s in known.subjects] + [s.source_id for s in known.subjects]
    assert not any(name in page for name in [*ids, pictures().pseudonym])
    leaking = content(paired(notes=["worst: IXI100-Guys-0700"]), log=[])
    with pytest.raises(PrivateContentError):
        write_report(tmp_path / "report.html", leaking, forbidden=ids)
    assert list(tmp_path.iterdir()) == []


def test_every_mean_of_the_brain_stands_in_the_table_with_its_interval(page):
    text = words(section(page, "translation"))
    decimals = {"psnr": 2, "ssim": 3, "ms_ssim": 3, "mae": 3, "nrmse": 3, "mse": 4}
    for row in paired().rows:
        for metric, digits in decimals.items():
            value = row.score(metric, "brain")
            shown = [f"{number:.{digits}f}" for number in (value.mean, value.low, value.high)]
            assert f"{shown[0]} ({shown[1]} to {shown[2]})" in text
    assert "Mean over 8 test patients" in text
    assert "n = 6" in text  # lesions are in fewer


def test_the_best_of_each_column_is_bold_and_roughness_is_best_at_one():
    rows = [
        MethodRow(
            name=name,
            kind=kind,
            scores=[
                Score(metric=m, region="brain", value=flat(value))
                for m, value in (("psnr", db), ("mae", mae), ("roughness", rough))
            ],
        )
        for name, kind, db, mae, rough in (
            ("model", "model", 25.0, 0.05, 0.6),
            ("copy", "baseline", 20.0, 0.04, 1.1),
        )
    ]
    bold = re.findall(r"<strong>([\d.]+)</strong>", undrawn(paired(rows=rows, comparisons=[])))
    assert bold == ["25.00", "0.040", "1.100"]


def flat(value, n=4):
    return PatientMean(mean=value, low=value, high=value, patients=[value] * n)


def test_the_forest_plot_has_a_row_a_rival_with_its_p(page):
    figure = re.search(r'<svg[^>]*aria-label="PSNR of mustgan minus.*?</svg>', page, re.S)[0]
    assert all(name in figure for name in WAYS if name != "mustgan")
    gaps = [c for c in paired().comparisons if c.metric == "psnr"]
    for gap in gaps:
        assert f"+{gap.difference.mean:.2f} p = 0.055" in figure


def test_coverage_is_told_with_what_it_cannot_promise(page):
    text = words(section(page, "uncertainty"))
    found = paired().uncertainty
    assert f"{100 * found.coverage.mean:.0f} %" in text
    assert f"{100 * found.coverage_lesion.mean:.0f} %" in text
    assert "20 passes" in text
    assert "7 patients of the tuning split" in text
    assert "A lesion that the model misses or invents can lie far outside" in text
    dots = re.search(r'aria-label="Coverage of the intervals.*?</svg>', page, re.S)[0]
    assert dots.count("<use") >= 8 + 6


def test_lesions_never_count_as_tested(page):
    row = re.search(r"It shows the lesions.*?</tr>", page, re.S)[0]
    assert "not tested" in row
    assert "Nobody has looked for lesions that were missed or invented" in words(row)


def test_normalisation_fusion_meanings_notes_and_warnings_are_printed(page):
    text, found = words(section(page, "translation")), paired()
    for said in (found.normalisation, *found.fusion, *found.notes, *found.warnings):
        assert said.casefold() in text.casefold()
    for name in ("PSNR", "SSIM", "MS-SSIM", "MAE", "NRMSE", "MSE", "Roughness"):
        assert re.search(rf"<dt>{name}</dt><dd>\S.{{20,}}</dd>", page)


def test_the_plan_has_what_a_translator_has(page):
    text = words(section(page, "plan"))
    assert "network.sources" in text
    assert "network.target" in text
    assert "generate.n" not in text
    assert "style_mixing" not in text


def test_the_distance_from_the_truth_is_drawn_over_training():
    log = [
        {"images": 100.0 * k, "reconstruction": 0.2 / k, "mae_tuning": 0.09 if k > 2 else np.nan}
        for k in range(1, 6)
    ]
    html = report_html(content(log=log))
    assert "Distance from the true images" in html
    assert 'aria-label="Mean absolute error in training, ending at 0.02' in html  # half of 0.04
    assert "Each level has four times" not in html


@pytest.mark.parametrize(
    "found",
    [
        paired(patients=1, lesions=0),
        paired(patients=2, lesions=2),
        paired(lesions=0),
        paired(patients=5, lesions=1, uncertainty=None, fusion=[], warnings=[], notes=[]),
        paired(ways=WAYS | {f"another way {k}": ("baseline", 15.0 + k) for k in range(4)}),
        paired(ways={"pix2pix": ("model", 24.0)}),
        paired(comparisons=[], uncertainty=uncertainty(3, 0), patients=3, lesions=0),
    ],
    ids=["one", "two", "no lesion", "bare", "twelve rows", "alone", "uncompared"],
)
def test_any_result_makes_a_page(found):
    html = undrawn(found)
    outline = Outline(html)
    assert ("uncertainty" in {a.get("id") for a in outline.all("section")}) == bool(
        found.uncertainty
    )
    text = words(section(html, "translation"))
    assert all(row.name in text for row in found.rows)
    if found.n_patients_with_lesion == 0:
        assert "No lesion was outlined" in text
    if found.n_patients < 3:
        assert " to " not in re.search(r"<tbody class=\"own\">.*?</tbody>", html, re.S)[0]
    assert "None" not in text
    assert "nan" not in text


def test_a_translator_that_was_not_measured_says_so():
    html = undrawn(None)
    text = words(html)
    assert "Not measured" in text
    assert "No measurement was made for this model" in text
    assert 'id="uncertainty"' not in html
    assert words(private_html(content(None, log=[]), secret(patients=()))).count(
        "No translation was measured"
    )


def test_hostile_names_stay_text():
    ways = {HOSTILE: ("model", 20.0), f"{HOSTILE} 2": ("baseline", 15.0)}
    found = paired(
        ways=ways,
        sources=[HOSTILE],
        target=HOSTILE,
        normalisation=HOSTILE,
        fusion=[HOSTILE],
        notes=[HOSTILE],
        warnings=[HOSTILE],
    )
    shown = content(found, log=[], sources=[HOSTILE], target=HOSTILE, title=HOSTILE)
    patient = pictures(sources=[HOSTILE])
    for html in (report_html(shown), private_html(shown, secret(patients=[patient]))):
        outline = Outline(html)
        assert "script" not in {tag for tag, _ in outline.tags}
        assert HOSTILE in "".join(outline.text)


def test_the_private_page_shows_what_went_in_came_out_and_is_true(private_page):
    errors = section(private_page, "errors")
    for rank in ("Best", "Median", "Worst"):
        assert f"<h3>{rank} patient</h3>" in errors
    assert pictures().pseudonym in errors
    view = patient_view(pictures())
    titles = [[title for title, _ in strip.pictures] for strip in view.strips]
    each = [*SOURCES, "truth", "translation", "error", "half width", "lesion outline"]
    assert titles[0] == titles[1] == each
    assert titles[2][0] == "truth"
    assert [title.split(",")[0] for title in titles[2][2:]] == [
        name for name, (kind, _) in WAYS.items() if kind == "baseline"
    ]
    assert "PRIVATE" in private_page


def test_pictures_are_those_of_the_arrays_on_one_fixed_scale():
    patient = pictures()
    first, shown = patient.slices[0], dict(patient_view(patient).strips[0].pictures)
    assert shown["truth"] == slice_uri(first.truth, 0, 1)
    assert shown["T1wCE"] == slice_uri(first.sources[1][1], 0, 1)
    error = np.abs(first.truth - first.translation)
    assert shown["error"] == slice_uri(error, 0, ERROR_TOP)
    assert shown["half width"] == slice_uri(first.half_width, 0, ERROR_TOP)


def test_a_patient_without_lesion_and_without_uncertainty_has_neither_picture():
    patient = pictures("best", lesion=False)
    bare = [type(s)(**{**vars(s), "half_width": None}) for s in patient.slices]
    view = patient_view(type(patient)(**{**vars(patient), "slices": bare}))
    assert [title for title, _ in view.strips[0].pictures] == [
        *SOURCES, "truth", "translation", "error",
    ]  # fmt: skip


def test_an_outline_is_the_inner_rim_of_the_lesion_and_nothing_else():
    mask = np.zeros((9, 9), bool)
    mask[2:7, 3:8] = True
    drawn = outlined(np.full((9, 9), 0.5, np.float32), mask)
    coloured = (drawn != 128).any(2)
    inner = np.zeros_like(mask)
    inner[3:6, 4:7] = True
    np.testing.assert_array_equal(coloured, mask & ~inner)
    # A lesion at the edge of the field is outlined there as well.
    mask[:] = False
    mask[0:2, 0:3] = True
    assert (outlined(np.zeros((9, 9), np.float32), mask) != 0).any(2).sum() == 6


def test_pix2pix_has_the_same_page():
    assert translator_plan(["T1w"], "FLAIR", "pix2pix").translates
    html = undrawn(
        paired(sources=["T1w"], fusion=[]),
        plan=translator_plan(["T1w"], "FLAIR", "pix2pix"),
        recipe="pix2pix",
        sources=["T1w"],
    )
    assert "T1w → FLAIR" in words(html)
    assert "Where the streams are fused" not in html
