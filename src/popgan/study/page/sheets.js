// The pages between the cases: instructions and consent, parts, breaks, the end.

import { el } from "./dom.js";
import { render } from "./markdown.js";
import { number, t } from "./texts.js";

const PATIENCE_MS = 300; // before the reader is told what is waited for
const AGAIN_MS = 1000;

/** Show a page with a heading and resolve when one of its buttons is pressed. */
export function sheet(shell, heading, body, buttons, options = {}) {
  return new Promise((resolve) => {
    const title = el("h1", { tabindex: "-1" }, heading);
    const row = el("div", { class: "buttons" }, ...buttons.map(({ text, value, primary }) =>
      el("button", { type: "button", class: primary ? "primary" : "", onclick: () => resolve(value) }, text)));
    shell.show(el("section", { class: `sheet ${options.class ?? ""}` }, title, ...body, buttons.length ? row : null));
    title.focus();
    options.built?.(row, resolve);
  });
}

/** Instructions and consent; resolves when the reader has agreed. */
export async function welcome(shell, session) {
  const box = el("input", { type: "checkbox", id: "agree" });
  const error = el("p", { class: "error", role: "alert" });
  const body = [
    el("div", { class: "text" }, ...render(session.state.instructions)),
    el("h2", {}, t("welcome.consent_heading")),
    el("div", { class: "text" }, ...render(session.state.consent)),
    el("label", { class: "agree", for: "agree" }, box, " ", t("welcome.agree")), error,
  ];
  await sheet(shell, t("welcome.heading"), body, [], {
    built: (_, resolve) => {
      const go = () => {
        if (box.checked) resolve();
        else {
          error.textContent = t("welcome.must_agree");
          box.focus();
        }
      };
      shell.main.firstChild.append(el("div", { class: "buttons" },
        el("button", { type: "button", class: "primary", onclick: go }, t("welcome.begin"))));
    },
  });
  if (await session.eventUntilKnown("consent")) session.state.consented = true;
}

/** Before a block; resolves to "begin" or, where the block before may still change, "review". */
export async function beforeBlock(shell, session, block) {
  const { blocks } = session.state;
  const before = blocks[blocks.indexOf(block) - 1];
  const counted = blocks.filter(({ name }) => name !== "practice");
  shell.place(session.state.title);
  const review = before && session.state.back && !before.frozen;
  const body = [
    before ? el("p", { class: "done" }, t(`blocks.${before.name}.done`)) : null,
    el("p", {}, t(`blocks.${block.name}.intro`)),
    el("p", { class: "quiet" }, t("blocks.cases", { count: block.total })),
    before && before.name !== "practice" ? el("p", { class: "quiet" }, t("blocks.freeze")) : null,
  ];
  const part = block.name === "practice" || counted.length < 2 ? "" : `${t("blocks.part", { n: counted.indexOf(block) + 1, total: counted.length })}: `;
  const buttons = [{ text: t("blocks.begin"), value: "begin", primary: true }];
  if (review) buttons.unshift({ text: t("blocks.review"), value: "review" });
  return sheet(shell, part + t(`blocks.${block.name}.name`), body, buttons);
}

/** Wait until the server has opened a block. False if the page has stopped. */
export async function opened(shell, session, name) {
  const block = () => session.state.blocks.find((one) => one.name === name);
  const explain = setTimeout(() => {
    if (session.stopped) return;
    shell.place(session.state.title);
    shell.show(el("section", { class: "sheet", role: "status" }, el("p", {}, t("blocks.waiting"))));
  }, PATIENCE_MS);
  while (!session.stopped && !block().trials.length && !(block().open && !session.outbox.count)) {
    if (session.outbox.count) await allSent(shell, session);
    else if ((await session.refresh()) && !block().open) {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
  clearTimeout(explain);
  return !session.stopped;
}

/** Have the server show a block; from then on the one before is fixed. False if the page has stopped. */
export async function begun(shell, session, name) {
  const shown = () => session.state.blocks.find((one) => one.name === name).trials.length > 0;
  while (!session.stopped && !shown()) {
    if (session.outbox.count) await allSent(shell, session);
    else {
      const known = await session.event("begin", { block: name });
      if (!known && !session.stopped) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      if (!session.stopped) await session.refresh();
    }
  }
  return !session.stopped;
}

function allSent(shell, session) {
  return new Promise((resolve) => {
    const look = () => {
      if (session.outbox.count && !session.stopped) return;
      shell.onoutbox = null;
      resolve();
    };
    shell.onoutbox = look;
    shell.onstop = resolve;
    look();
  });
}

/** The end: thanks, and whether everything has arrived. */
export async function theEnd(shell, session) {
  shell.place(session.state.title);
  const words = el("p", { role: "status" });
  const look = () => {
    const { count } = session.outbox;
    words.textContent = count ? t("end.waiting", { count: number(count) }) : t("end.saved");
  };
  look();
  sheet(shell, t("end.heading"), [el("p", {}, t("end.text")), words], [], { class: "end" });
  shell.onoutbox = look;
  if (session.outbox.count) await allSent(shell, session);
  look();
  if (!session.stopped) await session.event("finish");
}

/** Cover the page until the reader goes on: `pause` hides everything, `break` advises one. */
export function cover(session, kind, onend) {
  session.timer.hold(kind, true);
  const count = session.sinceBreak;
  session.sinceBreak = 0;
  session.event("break", { kind });
  const body = kind === "break"
    ? [el("p", {}, t("break.text", { count })), el("p", {}, t("break.advice"))]
    : [el("p", {}, t("pause.text"))];
  const dialog = el("dialog", { class: `cover ${kind}`, "aria-labelledby": "cover-heading" },
    el("h2", { id: "cover-heading" }, t(`${kind}.heading`)), ...body,
    el("div", { class: "buttons" },
      el("button", { type: "button", class: "primary", onclick: () => dialog.close() }, t(`${kind}.button`))));
  dialog.addEventListener("close", () => {
    dialog.remove();
    session.timer.hold(kind, false);
    if (!session.stopped) session.event("resume", { kind });
    onend();
  });
  document.body.append(dialog);
  dialog.showModal();
}
