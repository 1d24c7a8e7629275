// Dialogs: a question before something that matters, and the list of the keys.

import { h } from "./dom.js";

/** Shows a dialog until it is closed; true if it was closed by the button that does it. */
function show(heading, contents, buttons) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-labelledby": "dialog-heading" },
      h("h2", { id: "dialog-heading" }, heading), contents,
      h("div", { class: "buttons" }, buttons((result) => dialog.close(result))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Asks once more. `consequences` are sentences. */
export function confirm({ heading, consequences, action, isDangerous = true }) {
  return show(heading, consequences.map((text) => h("p", {}, text)), (close) => [
    h("button", { type: "button", onclick: () => close("no") }, "Cancel"),
    h("button", { type: "button", class: isDangerous ? "primary danger" : "primary", onclick: () => close("yes") }, action),
  ]);
}

export const KEYS = [
  ["j", "Next"],
  ["k", "Previous"],
  ["e", "Resolve, with what you have typed"],
  ["u", "Undo the last resolve"],
  ["n", "Write a note"],
  ["t", "Add a tag"],
  ["/", "Filter"],
  ["?", "This list"],
];

export function showKeys({ areEnabled, enable }) {
  const box = h("input", { type: "checkbox", checked: areEnabled, onchange: () => enable(box.checked) });
  const rows = KEYS.map(([key, meaning]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)));
  const contents = [h("dl", { class: "keys" }, rows), h("label", { class: "check" }, box, " Use these keys")];
  return show("Keys", contents, (close) => [h("button", { type: "button", class: "primary", onclick: () => close() }, "Close")]);
}
