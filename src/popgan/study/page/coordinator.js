// The coordinator's page: progress of all readers, links, lock and unlock, export.

import { getJson, postJson } from "./api.js";
import { readersTable, when } from "./coordinator_table.js";
import { announce, ask, el, fill } from "./dom.js";
import { number, t, useTexts } from "./texts.js";

const REFRESH_MS = 5000;
const main = document.getElementById("main");
const banner = document.getElementById("banner");
const board = el("div", { class: "board" });
const linkPlace = el("div", {});
let state = null;
let shownAt = null;

async function refresh() {
  try {
    state = await getJson("/api/coordinator/state");
    if (state.texts) useTexts(state.texts);
    shownAt = new Date();
    say("");
    draw();
  } catch (failure) {
    const final = ["session", "locked", "superseded"].includes(failure.kind);
    if (final) {
      state = null;
      fill(main, el("section", { class: "sheet stopped", role: "alert" }, el("p", {}, failure.message)));
      return false;
    }
    say(shownAt ? t("coordinator.failed", { time: shownAt.toLocaleTimeString(document.documentElement.lang) }) : failure.message);
  }
  return true;
}

function say(words) {
  banner.className = words ? "trouble" : "";
  if (banner.textContent !== words) banner.textContent = words;
}

function facts() {
  const { design } = state;
  const synthetic = Object.values(design.synthetic ?? {}).reduce((sum, count) => sum + count, 0);
  const kind = design.kind === "2afc" ? ["2afc"] : ["likert", "authenticity"];
  const fact = (name, words) => el("p", {}, `${name}: `, el("b", {}, words));
  return el("div", { class: "facts" },
    fact(t("coordinator.kind"), kind.map((block) => t(`blocks.${block}.name`)).join(", ")),
    fact(t("coordinator.images"), t("coordinator.images_text", { real: number(design.real ?? 0), synthetic: number(synthetic), repeats: number(design.repeats ?? 0) })));
}

function draw() {
  const focused = document.activeElement?.dataset?.focus;
  const phase = state.locked ? "locked" : state.started ? "started" : "open";
  const lock = state.locked ? "unlock_all" : "lock_all";
  document.title = t("coordinator.heading");
  fill(board,
    el("div", { class: "head" }, el("h1", {}, state.title),
      el("p", { class: `state ${phase}` }, t(`coordinator.state_${phase}`))),
    facts(),
    state.clock_warnings ? el("p", { class: "warning" }, t("coordinator.clock", { count: state.clock_warnings })) : null,
    linkPlace,
    readersTable(state.readers, { link: newLink, lock: setLock }),
    el("div", { class: "actions" },
      el("a", { class: "button", href: "/api/coordinator/export", download: "", "data-focus": "export" }, t("coordinator.export")),
      el("p", {}, t(state.locked ? "coordinator.export_truth" : "coordinator.export_blind")),
      el("button", { type: "button", "data-focus": lock, onclick: () => setLock(null, !state.locked) }, t(`coordinator.${lock}`))),
    el("p", { class: "quiet" }, t("coordinator.refreshed", { time: shownAt.toLocaleTimeString(document.documentElement.lang) })));
  if (!board.isConnected) fill(main, board);
  if (focused) board.querySelector(`[data-focus="${focused}"]`)?.focus();
}

async function act(path, body) {
  try {
    const reply = await postJson(path, state.csrf, body);
    await refresh();
    return reply;
  } catch (failure) {
    say(failure.message || t("stopped.connection"));
    return null;
  }
}

async function setLock(reader, locked) {
  const name = `${locked ? "lock" : "unlock"}${reader ? "" : "_all"}_confirm`;
  if (!(await ask(t(`coordinator.${name}`, { reader }), t("coordinator.confirm"), t("coordinator.cancel")))) return;
  if (await act("/api/coordinator/lock", { reader, locked })) announce(t(locked ? "coordinator.locked" : "coordinator.open"));
}

async function newLink(reader) {
  if (!(await ask(t("coordinator.new_link_confirm", { reader }), t("coordinator.confirm"), t("coordinator.cancel")))) return;
  const reply = await act("/api/coordinator/link", { reader });
  if (!reply) return;
  const field = el("input", { type: "text", readonly: true, "aria-label": t("coordinator.link"), value: new URL(reply.link, window.location.origin).href });
  const button = el("button", { type: "button", class: "primary", onclick: () => copy(field, button) }, t("coordinator.copy"));
  fill(linkPlace, el("section", { class: "link", role: "status" },
    el("p", {}, t("coordinator.new_link_shown", { reader })), el("div", { class: "row" }, field, button)));
  field.select();
  field.focus();
}

/** The clipboard is closed to pages on plain HTTP; there the older command must do. */
async function copy(field, button) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy");
  }
  button.textContent = t("coordinator.copied");
}

async function live() {
  const goesOn = await refresh();
  if (goesOn) setTimeout(live, REFRESH_MS);
}

document.documentElement.lang = "en";
fill(main, board);
live();
