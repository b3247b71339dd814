"""The section on readers: every number of the study, no claim beyond it, nothing private."""

import re
from unittest.mock import patch

import pytest
from reader_fixtures import analysis, equivalence, facts, measure, result
from report_fixtures import bare

from popgan.evidence.readers.record import StudyAnalysis
from popgan.evidence.readers.results import ForcedChoice, ForcedReader
from popgan.report.guard import assert_self_contained, assert_shareable
from popgan.report.readers import QUESTION, ReaderContent
from popgan.report.shareable import report_html


def page(found, about="these weights", model="popgan"):
    """The shareable page with a reader study, nothing else measured."""
    readers = ReaderContent(found, about, model) if found else None
    return report_html(bare(filmstrip=[], readers=readers))


PANELS = ("accuracy", "roc", "scores", "differences", "agreement", "repeats")


def undrawn(found, about="these weights", model="popgan"):
    """The same without figures, which take the most time."""
    none = {f"{name}_panel": lambda _: None for name in PANELS}
    with patch.multiple("popgan.report.readers", **none):
        return page(found, about, model)


def section(html):
    return re.search(r'<section id="readers">.*?</section>', html, re.S)[0]


def words(html):
    text = re.sub(r"<style.*?</style>|<svg.*?</svg>", " ", html, flags=re.S)
    return normal(re.sub(r"<[^>]+>", " ", text))


def claim(html):
    row = re.search(rf'<th scope="row">{re.escape(QUESTION)}</th>(.*?)</tr>', html, re.S)[1]
    return re.search(r"pill (\w+)", row)[1], words(row)


@pytest.fixture(scope="module")
def one():
    return page(analysis())


def test_the_section_is_there_only_where_a_study_was_analysed(one):
    assert '<a href="#readers">Readers</a>' in one
    without = undrawn(None)
    assert 'id="readers"' not in without
    assert 'href="#readers"' not in without
    standing, answer = claim(without)
    assert standing == "untested"
    assert answer.startswith("not tested No reader study was made.")


def test_a_locked_study_of_these_weights_counts(one):
    standing, answer = claim(one)
    assert standing == "fail"  # readers did tell them apart
    assert "5 readers told synthetic from real images with a balanced accuracy of 65" in answer
    assert "better than guessing" in answer
    assert "real images 3.78; popgan 3.30" in answer


@pytest.mark.parametrize(
    ("about", "status", "said"),
    [
        ("other weights", "final", "of other weights"),
        ("other models", "final", "of other models"),
        ("these weights", "interim", "under way"),
    ],
)
def test_a_study_of_something_else_or_unfinished_counts_as_untested(about, status, said):
    html = undrawn(analysis(status=status), about)
    standing, answer = claim(html)
    assert standing == "untested"
    assert said in answer
    assert ("INTERIM" in section(html)) == (status == "interim")


def test_changed_weights_are_named_in_the_section():
    assert "have changed since" in words(section(undrawn(analysis(), "other weights")))
    assert "was not in the study" in words(section(undrawn(analysis(), "other models", "dcgan")))


def test_a_rehearsal_cannot_get_into_a_report():
    with pytest.raises(ValueError, match="simulated"):
        ReaderContent(analysis(status="rehearsal"), "these weights", "popgan")


@pytest.mark.parametrize(
    ("value", "half", "said"),
    [
        (0.5, 0.03, "equivalence to guessing within 10 points is shown"),
        (0.52, 0.16, "neither equivalence to guessing within 10 points nor a difference"),
        (0.7, 0.05, "better than guessing"),
        (0.3, 0.05, "worse than guessing"),
    ],
)
def test_no_verdict_says_more_than_the_two_tests_show(value, half, said):
    found = result()
    changed = found.authenticity[0].model_copy(update={"equivalence": equivalence(value, half)})
    html = undrawn(analysis(authenticity=[changed]))
    assert said in claim(html)[1]
    # p > 0.05 is never taken for likeness.
    assert "indistinguishable" not in html
    assert "cannot be told apart" not in html


def test_every_number_of_the_tables_is_that_of_the_analysis(one):
    found, text = analysis().result, words(section(one))
    for reader in (*found.authenticity[0].readers, found.authenticity[0].pooled):
        cells = [
            f"{100 * m.value:.0f} % ({100 * m.low:.0f} to {100 * m.high:.0f})"
            for m in (reader.sensitivity, reader.specificity, reader.accuracy)
        ]
        cells += [span(m) for m in (reader.d_prime, reader.criterion, reader.auc)]
        assert normal(f"{reader.reader or 'all answers pooled'} {' '.join(cells)}") in text
    for gap in found.differences:
        assert normal(f"{span(gap.difference)} {span(gap.any_readers)}") in text
    for agreed in found.agreement:
        assert span(agreed.krippendorff) in text
    for timing in found.timing:
        assert f"{timing.every.value:.1f} s" in text


def span(m):
    return f"{m.value:.2f} ({m.low:.2f} to {m.high:.2f})".replace("-", "\u2212")


def normal(text):
    return " ".join(text.split())


def test_the_flow_adds_up(one):
    text = words(section(one))
    assert "5 invited 5 started 4 completed 1 in part" in text
    assert "120 real, of 40 patients 120 by popgan" in text
    assert text.count("1350 answers asked 1331 given 19 missing 1184 analysed 147 on repeats") == 2


def test_what_was_fixed_beforehand_comes_first_and_the_rest_is_called_exploratory(one):
    pills = re.findall(r'class="outcome">([^<]+)<span class="pill">([^<]+)<', section(one))
    assert [standing for _, standing in pills] == [
        *("primary outcome", "secondary outcome", "secondary outcome", "exploratory")
    ]
    assert pills[0][0].strip() == "Are synthetic images recognised?"
    nothing = StudyAnalysis(status="final", facts=facts(outcomes={}), result=result())
    assert section(undrawn(nothing)).count('class="pill">exploratory<') == 4


def test_every_figure_says_what_it_shows_what_it_rests_on_and_how_to_read_it(one):
    figures = re.findall(r'<figure class="scale">(.*?)</figure>', section(one), re.S)
    assert len(figures) == 6
    for figure in figures:
        assert len(re.search(r'<svg[^>]*aria-label="([^"]+)"', figure)[1]) > 60
        assert re.search(r'<p class="basis">[^<]*\d', figure)
        assert "How to read this." in figure and "Method." in figure
    ids = re.findall(r' id="([^"]+)"', one)
    assert len(ids) == len(set(ids))


def test_colours_of_figures_are_the_pages_own(one):
    for drawing in re.findall(r"<svg.*?</svg>", section(one), re.S):
        assert set(re.findall(r"#[0-9a-f]{6}\b", drawing)) <= {"#ffffff"}


def test_several_models_stand_beside_each_other_whatever_they_are_called():
    long = "stylegan2-" + "m" * 40
    html = page(analysis(("popgan", long)))
    text = words(section(html))
    assert f"popgan (60 images, weights aaaaaaaaaaaa), {long} (60 images" in text
    assert "Models against each other" in text
    # The primary outcome is about all models; the one of this page is told beside it.
    answer = claim(html)[1]
    assert answer.index("5 readers told") < answer.index("Images of popgan alone (exploratory)")
    assert f"popgan minus {long} +0.35 (0.030)" in text
    assert_self_contained(html)
    # In the figures a long name is cut, so that nothing lies on top of it.
    drawn = re.findall(r">([^<]*)</text>", section(html))
    assert any("mmm" in label for label in drawn)
    assert max(len(label) for label in drawn if "mmm" in label) == 20


def test_a_forced_choice_study_has_its_own_figure_and_table():
    reader = ForcedReader(
        reader="R1",
        correct=measure(0.61, 0.08, of="trials"),
        d_prime=measure(0.4, 0.3, of="trials"),
        left=measure(0.52, 0.08, of="trials"),
        equivalence=equivalence(0.61),
    )
    across = result().authenticity[0].balanced
    forced = ForcedChoice(
        model=None,
        readers=[reader],
        correct=across,
        d_prime=measure(0.4, 0.2),
        left=measure(0.5, 0.1),
        equivalence=equivalence(0.64),
        equivalence_these=equivalence(0.64),
    )
    empty = {"authenticity": [], "scores": [], "differences": [], "agreement": [], "repeats": []}
    html = page(analysis(forced_choice=[forced], timing=[], **empty))
    assert "chose the real one of two images in 65" in claim(html)[1]
    assert "61 % (53 to 69) 0.40" in words(section(html))


def test_what_could_not_be_measured_is_a_dash_and_never_a_crash():
    nothing = measure(None, reason="one reader only")
    found = result()
    first = found.authenticity[0]
    reader = first.readers[0].model_copy(update={"d_prime": nothing, "auc": nothing, "roc": []})
    lone = first.model_copy(
        update={
            "readers": [reader],
            "auc": first.auc.model_copy(update={"any_readers": nothing}),
            "pooled": first.pooled.model_copy(update={"roc": []}),
            "equivalence": first.equivalence.model_copy(
                update={"verdict": "not measurable", "value": None, "low": None, "high": None}
            ),
        }
    )
    gap = found.differences[0].model_copy(update={"any_readers": nothing, "odds_ratio": nothing})
    html = page(analysis(authenticity=[lone], differences=[gap], agreement=[], repeats=[]))
    assert "one reader only" in words(section(html))
    assert "cannot be judged" in claim(html)[1]


def test_results_without_those_who_stopped_are_told_as_registered():
    found = analysis().model_copy(update={"completers": result(readers=["R1", "R2", "R3", "R4"])})
    assert "Without 1 reader who did not finish: 5 readers told" in words(section(undrawn(found)))


def test_nothing_of_a_patient_is_on_the_page_and_hostile_words_are_words():
    hostile = "<script>alert(1)</script>"
    html = undrawn(analysis(warnings=[hostile]))
    assert hostile not in html
    assert "&lt;script&gt;" in html
    assert_shareable(html, ["sub-12ab", "P1", "/data/hospital/scan.nii.gz"])
    assert_self_contained(html)


def test_the_section_stands_between_measurements_and_training_and_is_small(one):
    assert one.index('id="measurements"') < one.index('id="readers"') < one.index('id="training"')
    assert len(section(one)) < 400_000
