// The table of the readers: how far each is, when they last answered, how fast they are.

import { el } from "./dom.js";
import { number, t } from "./texts.js";

/** A time of the server in the reader's language and time zone. */
export function when(iso) {
  const date = new Date(iso);
  if (!iso || Number.isNaN(date.getTime())) return t("coordinator.never");
  return date.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

function progress(reader, block) {
  const done = reader.done[block] ?? 0;
  const total = reader.total[block] ?? 0;
  const seconds = reader.median_seconds?.[block];
  return el("td", {}, el("div", { class: "cell" },
    el("span", {}, t("coordinator.progress", { done, total })),
    el("progress", { max: Math.max(total, 1), value: done, "aria-label": `${reader.alias}, ${t(`blocks.${block}.name`)}` }),
    typeof seconds === "number" ? el("span", { class: "time" }, t("coordinator.seconds", { n: number(seconds, 1) })) : null));
}

function row(reader, blocks, on) {
  const { alias, locked } = reader;
  const button = (name, label, action) => el("button", { type: "button", "aria-label": label, onclick: action, "data-focus": `${name}-${alias}` }, t(`coordinator.${name}`));
  const lock = locked ? "unlock" : "lock";
  return el("tr", {},
    el("th", { scope: "row" }, alias),
    el("td", {}, t(reader.consented ? "coordinator.consent_given" : "coordinator.consent_open")),
    ...blocks.map((block) => progress(reader, block)),
    el("td", { class: "number" }, when(reader.last_answer)),
    el("td", { class: locked ? "is-locked" : "" }, t(locked ? "coordinator.locked" : "coordinator.open")),
    el("td", {}, t(reader.link_issued ? "coordinator.link_issued" : "coordinator.link_none")),
    el("td", {}, el("div", { class: "buttons" },
      button("new_link", t("coordinator.new_link_for", { reader: alias }), () => on.link(alias)),
      button(lock, t(`coordinator.${lock}_for`, { reader: alias }), () => on.lock(alias, !locked)))));
}

/** The table. on: {link(alias), lock(alias, locked)}. */
export function readersTable(readers, on) {
  const blocks = Object.keys(readers[0]?.total ?? {});
  const head = [
    t("coordinator.reader"), t("coordinator.consent"),
    ...blocks.map((block) => t(`blocks.${block}.name`)),
    t("coordinator.last"), t("coordinator.status"), t("coordinator.link"),
  ];
  return el("div", { class: "scroll", role: "region", "aria-label": t("coordinator.readers"), tabindex: "0" }, el("table", {},
    el("caption", {}, t("coordinator.readers")),
    el("thead", {}, el("tr", {}, ...head.map((words) => el("th", { scope: "col" }, words)), el("td", {}))),
    el("tbody", {}, ...readers.map((reader) => row(reader, blocks, on)))));
}
