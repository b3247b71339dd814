// The reader's page: instructions and consent, display check, practice, the blocks, the end.

import { displayCheck } from "./display.js";
import { announce, el, fill } from "./dom.js";
import { Room } from "./room.js";
import { Session } from "./session.js";
import { beforeBlock, begun, cover, opened, theEnd, welcome } from "./sheets.js";
import { Shell } from "./shell.js";
import { t } from "./texts.js";

const shell = new Shell();

/** Work through a block from position `at`; resolves when it is complete or the page has stopped. */
function workThrough(session, block, at) {
  return new Promise((resolve) => {
    const finish = () => {
      room.close();
      resolve();
    };
    const pause = () => cover(session, "pause", () => room.form.focus(room.form.current));
    const room = new Room(session, block, {
      finished: finish, takeBreak: (then) => cover(session, "break", then), pause,
    });
    shell.onstop = finish;
    shell.show(room.element);
    fill(shell.actions,
      el("button", { type: "button", onclick: pause }, t("case.pause"), " ", el("kbd", { "aria-hidden": "true" }, "P")),
      el("button", { type: "button", onclick: () => room.help() }, t("case.keys"), " ", el("kbd", { "aria-hidden": "true" }, "?")));
    room.open(at);
  });
}

async function blocks(session) {
  while (!session.stopped) {
    const current = session.currentBlock();
    if (!current) return;
    if (!(await opened(shell, session, current.name))) return;
    const block = session.state.blocks.find(({ name }) => name === current.name);
    let choice = "begin";
    if (session.doneOf(block) === 0 && !block.trials.some(({ answer }) => Object.keys(answer).length)) {
      choice = await beforeBlock(shell, session, block);
    }
    if (session.stopped) return;
    const former = session.state.blocks[session.state.blocks.indexOf(block) - 1];
    if (choice === "review") await workThrough(session, former, former.total - 1);
    else if (await begun(shell, session, block.name)) {
      const shown = session.state.blocks.find(({ name }) => name === block.name);
      await workThrough(session, shown, Math.max(0, session.firstOpen(shown)));
    }
  }
}

/** A second tab of this browser shares the session; the one opened last goes on. */
function beTheOnlyTab(session) {
  if (!("BroadcastChannel" in window)) return;
  const channel = new BroadcastChannel("popgan-study");
  channel.postMessage("opened");
  channel.onmessage = () => session.stop("superseded");
}

async function begin() {
  const session = await Session.open(shell);
  if (session.stopped) return;
  shell.begin(session);
  if (session.outbox.count) shell.outbox(session.outbox);
  beTheOnlyTab(session);
  if (session.older) announce(t("saved.older", { count: session.older }));
  window.addEventListener("beforeunload", (event) => {
    if (session.outbox.count && !(session.stopped && session.storage.lasting)) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (!session.stopped) session.event(document.hidden ? "hidden" : "visible");
  });
  if (!session.state.consented) await welcome(shell, session);
  if (!session.stopped && !session.displayChecked) await displayCheck(shell, session);
  await blocks(session);
  if (!session.stopped) await theEnd(shell, session);
}

begin();
