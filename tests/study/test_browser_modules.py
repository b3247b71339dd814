"""Single modules of the page, imported in a real browser: the outbox, keys, time left, names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from study.browsing import Reader, browsing, needs_browser, serving
from study.small_studies import make_study

pytestmark = [
    pytest.mark.slow,
    needs_browser,
    pytest.mark.xdist_group("browser-modules"),
]
# An outbox with a server of our own making: `server(answers)` gives [status, reply].
OUTBOX = """
const { Outbox } = await load("outbox.js");
const sent = [], states = [], stopped = [], refused = [];
const kept = [];
window.fetch = async (path, options) => {
  const { answers } = JSON.parse(options.body);
  sent.push(answers.map(({ id }) => id));
  const [status, reply] = server(answers, sent.length);
  if (status === 0) throw new TypeError("no network");
  return new Response(JSON.stringify(reply), { status });
};
const took = (answers) =>
  [200, { acknowledged: answers.map(({ id }) => id), refused: [], done: {} }];
const storage = {
  lasting: true, all: async () => [...kept], add: async (item) => { kept.push(item); },
  remove: async (ids) => { for (const id of ids) {
    const at = kept.findIndex((item) => item.id === id);
    if (at >= 0) kept.splice(at, 1);
  } },
};
const outbox = new Outbox(storage, () => "proof", {
  change: ({ state }) => states.push(state), refused: (words) => refused.push(words),
  stop: (kind) => stopped.push(kind), progress: () => {},
});
const settled = async (test, limit = 8000) => {
  for (let waited = 0; !test() && waited < limit; waited += 20)
    await new Promise((go) => setTimeout(go, 20));
};
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("modules")
    study = make_study(folder / "run", readers=1, real=2, synthetic=2, repeats=0, practice=2)
    with serving(study) as served, browsing(folder / "profile") as found:
        found.driver.get(f"{served.url}/study")
        yield found


def outbox(reader: Reader, server: str, work: str) -> Any:
    return reader.module(f"const server = {server};{OUTBOX}{work}")


def test_answers_go_in_their_order_and_one_request_at_a_time(reader: Reader) -> None:
    sent, states, left = outbox(
        reader,
        "(answers) => took(answers)",
        """for (let n = 0; n < 150; n += 1)
          outbox.add("likert", "t", { anatomy: 1 + n % 5 }, n, {});
        await settled(() => outbox.count === 0 && kept.length === 0);
        return [sent, states, kept.length];""",
    )
    assert [len(batch) for batch in sent] == [1, 100, 49]
    assert len({name for batch in sent for name in batch}) == 150
    assert states[-1] == "saved" and left == 0


def test_what_was_not_acknowledged_is_sent_again_under_the_same_name(reader: Reader) -> None:
    sent, states = outbox(
        reader,
        "(answers, n) => n === 1 ? [0] : n === 2 ? [503, { code: 'storage' }] : took(answers)",
        """outbox.add("likert", "t", { anatomy: 1 }, 5, {});
        await settled(() => outbox.count === 0);
        return [sent, states];""",
    )
    assert len(sent) == 3 and sent[0] == sent[1] == sent[2]
    assert states == ["saving", "offline", "storage", "saved"]


def test_a_batch_that_is_too_large_is_divided(reader: Reader) -> None:
    sent = outbox(
        reader,
        "(answers) => answers.length > 3 ? [413, { code: 'size' }] : took(answers)",
        """for (let n = 0; n < 9; n += 1)
          outbox.add("likert", "t", { remark: "x".repeat(n) }, n, {});
        await settled(() => outbox.count === 0);
        return sent;""",
    )
    acknowledged = [name for batch in sent if len(batch) <= 3 for name in batch]
    assert len(acknowledged) == len(set(acknowledged)) == 9


def test_long_remarks_stay_within_what_the_server_takes(reader: Reader) -> None:
    sizes = outbox(
        reader,
        "(answers) => { (window.sizes ??= []).push(new Blob([JSON.stringify({ answers })]).size);"
        " return took(answers); }",
        """for (let n = 0; n < 60; n += 1)
          outbox.add("likert", "t", { remark: "ü".repeat(2000) }, n, {});
        await settled(() => outbox.count === 0);
        return window.sizes;""",
    )
    assert max(sizes) <= 64 * 1024 and len(sizes) > 3


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "session", "session"),
        (403, "csrf", "superseded"),
        (409, "superseded", "superseded"),
        (423, "locked", "locked"),
    ],
)
def test_a_session_that_is_over_stops_and_keeps_the_rest(
    reader: Reader, status: int, code: str, kind: str
) -> None:
    stopped, count, kept, sent = outbox(
        reader,
        f"() => [{status}, {{ code: '{code}' }}]",
        """outbox.add("likert", "t", { anatomy: 1 }, 5, {});
        await settled(() => stopped.length);
        outbox.add("likert", "t", { anatomy: 2 }, 6, {});
        await settled(() => kept.length === 2);
        return [stopped, outbox.count, kept.length, sent.length];""",
    )
    assert (stopped, count, kept, sent) == ([kind], 2, 2, 1)


def test_too_many_requests_are_waited_for_without_alarm(reader: Reader) -> None:
    states = outbox(
        reader,
        "(answers, n) => n === 1 ? [429, { code: 'many' }] : took(answers)",
        """outbox.add("likert", "t", { anatomy: 1 }, 5, {});
        await settled(() => outbox.count === 0);
        return states;""",
    )
    assert set(states) == {"saving", "saved"}


def test_a_refused_answer_is_said_and_not_sent_for_ever(reader: Reader) -> None:
    refused, count = outbox(
        reader,
        "(answers) => [200, { acknowledged: [], done: {},"
        " refused: answers.map(({ id }) => ({ id, error: 'no' })) }]",
        """outbox.add("likert", "t", { anatomy: 1 }, 5, {});
        await settled(() => refused.length);
        return [refused, outbox.count];""",
    )
    assert (refused, count) == (["no"], 0)


TAKE_UP = """
const old = (trial, values, base) => ({ id: trial + kept.length, block: "likert", trial, values,
  base, shown_ms: 1, client_time: "2026-01-01T00:00:00Z", order: kept.length });
kept.push(old("here", { anatomy: 2 }, { anatomy: 1 }), old("elsewhere", { anatomy: 2 }, {}),
  old("foreign", { anatomy: 5 }, null));
const known = new Map([["here", { anatomy: 1 }], ["elsewhere", { anatomy: 4 }]]);
const values = [];
const inner = window.fetch;
window.fetch = async (path, options) => {
  for (const answer of JSON.parse(options.body).answers)
    values.push([answer.trial, answer.values.anatomy]);
  return inner(path, options);
};
const count = await outbox.takeUp(known);
await settled(() => outbox.count === 0);
return [count, values, Object.fromEntries(known), kept.map(({ trial }) => trial)];
"""


def test_answers_of_an_earlier_visit_do_not_undo_those_given_elsewhere(reader: Reader) -> None:
    count, values, known, kept = outbox(reader, "(answers) => took(answers)", TAKE_UP)
    assert count == 2
    assert [value for trial, value in values if trial == "here"] == [2]
    # The late version is told, and the newer answer is given once more after it.
    assert [value for trial, value in values if trial == "elsewhere"] == [2, 4]
    assert known == {"here": {"anatomy": 2}, "elsewhere": {"anatomy": 4}}
    # Another reader's answers wait for their own link.
    assert kept == ["foreign"]


def test_keys_mean_the_same_on_other_keyboards(reader: Reader) -> None:
    script = """
        const { actionOf } = await load("keys.js");
        const press = (key, code = "", more = {}, place = {}) => actionOf(
          { key, code, target: document.body, ...more }, { zoomed: false, ...place });
        const shiftKey = true;
        return [press("3", "Digit3"), press("\\"", "Digit3"), press("3", "Digit3", { shiftKey }),
          press("4", "Numpad4"), press("-", "Digit6"), press("Z"),
          press("?", "Minus", { shiftKey }),
          press("z", "KeyZ", { ctrlKey: true }) ?? null,
          press("ArrowUp"), press("ArrowUp", "", { shiftKey }, { zoomed: true }),
          press("ArrowLeft", "", {}, { pair: true }), press("ArrowLeft") ?? null];
    """
    assert reader.module(script) == [
        *(["score", "3"], ["score", "3"], ["score", "3"], ["score", "4"], ["zoom", 0.8]),
        *(["undo"], ["help"], None, ["step", -1], ["pan", 0, -0.08], ["side", "left"], None),
    ]


def test_time_left_is_the_median_pace_of_the_reader(reader: Reader) -> None:
    script = """
        const { minutesLeft } = await load("timer.js");
        return [minutesLeft([9000, 9000], 10), minutesLeft([6000, 600000, 12000], 10),
          minutesLeft([6000, 12000, 18000, 600000], 4)];
    """
    assert reader.module(script) == [None, 2, 1]


def test_names_of_answers_are_random_and_of_version_4(reader: Reader) -> None:
    found = reader.module(
        "const { uuid } = await load('api.js'); return Array.from({ length: 200 }, uuid);"
    )
    shape = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert len(set(found)) == 200 and all(re.fullmatch(shape, name) for name in found)
