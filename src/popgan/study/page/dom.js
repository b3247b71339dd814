// Elements made by hand: data become text nodes and attributes, never markup.

/** Make an element. `options`: attributes; `on...` functions become listeners; `class` is the class. */
export function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

/** Put `children` in the place of everything in `parent`. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== undefined && child !== null));
}

/** Whether the keyboard belongs to a text field at the moment. */
export function isWriting(target) {
  return target instanceof HTMLTextAreaElement;
}

/** Say something to screen readers without moving the focus. */
export function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = text;
}

/** A modal question with two buttons; resolves to whether it was confirmed. */
export function ask(text, yes, no) {
  return new Promise((resolve) => {
    let confirmed = false;
    const words = el("p", { id: "question" }, text);
    const close = (value) => () => { confirmed = value; dialog.close(); };
    const dialog = el("dialog", { "aria-labelledby": "question", class: "question" }, words,
      el("div", { class: "buttons" },
        el("button", { type: "button", onclick: close(false) }, no),
        el("button", { type: "button", class: "primary", onclick: close(true) }, yes)));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(confirmed); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
