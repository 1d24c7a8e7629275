// One piece of feedback, and its triage.

import { triage } from "./api.js";
import { Draft } from "./draft.js";
import { face, formatDateTime, h, time } from "./dom.js";
import { REASONS, STATUSES } from "./view.js";

const TAGS = 16;

/** Unsaved changes by the feedback's id. They stay while somebody looks at other feedback. */
const drafts = new Map();

export const hasUnsaved = () => [...drafts.values()].some((draft) => draft.isChanged);

export class Detail {
  #draft;
  #parts = {};

  /**
   * `saved` is called with feedback that was changed, `say` tells people something, and `actions` are the buttons above
   * the message.
   */
  constructor({ feedback, saved, say, actions }) {
    Object.assign(this, { feedback, saved, say });
    if (!drafts.has(feedback.id)) drafts.set(feedback.id, new Draft(feedback));
    this.#draft = drafts.get(feedback.id);
    this.#draft.rebase(feedback);
    this.element = h("article", { class: "detail", "aria-label": "Feedback", "data-id": feedback.id });
    this.#parts.form = h("div", { class: "triage" });
    this.element.append(this.#head(actions), this.#content(), this.#parts.form);
    this.#renderForm();
  }

  /** The same feedback, as it is now. */
  refresh(feedback) {
    const isNewer = (feedback.triage?.version ?? 0) > this.#draft.base.version;
    this.feedback = feedback;
    if (!isNewer) return;
    this.#draft.rebase(feedback);
    this.#renderForm();
  }

  #head(actions) {
    const { rating, topic, submittedAt } = this.feedback;
    return h("header", { class: "detail-head" },
      h("div", { class: "detail-title" }, rating && face(rating),
        h("div", {}, h("h2", { tabindex: -1 }, topic ?? "No topic"), h("p", { class: "muted" }, time(submittedAt)))),
      h("div", { class: "buttons" }, actions));
  }

  #content() {
    const { message, rating, email, pageUrl, metadata, id, quarantine } = this.feedback;
    const facts = [
      rating && ["Rating", `${rating} of 5`],
      email && ["Email", h("a", { href: `mailto:${encodeURIComponent(email)}` }, email)],
      // Not a link: whoever wrote the feedback chose where it leads.
      pageUrl && ["Page", pageUrl],
      ...metadata.map(({ key, value }) => [key, value]),
      ["Id", id],
    ].filter(Boolean);
    return h("div", {},
      quarantine && h("p", { class: "quarantine" }, h("strong", {}, "In quarantine"), ` since ${formatDateTime(quarantine.since)}: `,
        quarantine.reasons.map((reason) => REASONS[reason] ?? reason).join("; "), "."),
      h("p", { class: "message", dir: "auto" }, message),
      h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
  }

  #renderForm() {
    const draft = this.#draft;
    const inFocus = this.#parts.form.contains(document.activeElement) ? document.activeElement : undefined;
    const edited = () => this.#edited();
    const statuses = Object.entries(STATUSES).map(([status, name]) => h("label", {},
      h("input", {
        type: "radio", name: "status", value: status, checked: draft.status === status, id: `status-${status}`,
        onchange: () => edited(draft.status = status),
      }), h("span", {}, name)));
    const note = h("textarea", {
      id: "note", rows: 3, dir: "auto", "aria-describedby": "note-error",
      oninput: () => edited(draft.note = note.value),
    }, draft.note);
    const save = h("button", { class: "primary" }, "Save");
    const discard = h("button", { type: "button", onclick: () => this.#discard() }, "Discard");
    const state = h("p", { class: "muted" });
    const tags = h("div", { class: "tags" });
    const form = h("form", {
      "aria-label": "Triage",
      onsubmit: (event) => {
        event.preventDefault();
        this.save();
      },
      onkeydown: ({ key, ctrlKey, metaKey }) => {
        if (key === "Enter" && (ctrlKey || metaKey)) this.save();
      },
    },
    this.#conflict(),
    h("fieldset", { class: "statuses" }, h("legend", {}, "Status"), h("div", { class: "segments" }, statuses)),
    h("div", {}, h("label", { for: "tag" }, "Tags"), tags, h("p", { class: "error", id: "tag-error" })),
    h("div", {}, h("label", { for: "note" }, "Note for other staff"), note, h("p", { class: "error", id: "note-error" })),
    h("p", { class: "error", role: "alert", id: "triage-error" }),
    h("div", { class: "buttons" }, save, discard, state));
    this.#parts = { form: this.#parts.form, tags, note, save, discard, state };
    this.#parts.form.replaceChildren(form);
    this.#renderTags();
    this.#edited();
    if (inFocus?.id) {
      const again = this.#parts.form.querySelector(`#${CSS.escape(inFocus.id)}`);
      again.focus();
      if (inFocus.type !== "radio") again.setSelectionRange(inFocus.selectionStart, inFocus.selectionEnd);
    }
  }

  #renderTags() {
    const draft = this.#draft;
    const add = () => {
      const tag = input.value.trim();
      // A field that is replaced loses the focus, too.
      if (!tag || !input.isConnected) return;
      draft.newTag = "";
      if (!draft.tags.includes(tag)) draft.tags.push(tag);
      this.#renderTags();
      this.#edited();
    };
    const input = h("input", {
      id: "tag", value: draft.newTag, maxlength: 64, autocomplete: "off", placeholder: "Add a tag", "aria-describedby": "tag-error",
      disabled: draft.tags.length >= TAGS,
      oninput: () => (draft.newTag = input.value),
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== ",") return;
        event.preventDefault();
        add();
        this.focusTag();
      },
      onblur: add,
    });
    const chips = draft.tags.map((tag) => h("button", {
      type: "button", class: "chip", title: "Remove",
      onclick: () => {
        draft.tags = draft.tags.filter((other) => other !== tag);
        this.#renderTags();
        this.#edited();
        this.focusTag();
      },
    }, tag, h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "hidden" }, " (remove this tag)")));
    this.#parts.tags.replaceChildren(...chips, input);
  }

  #edited() {
    const { state, discard, save } = this.#parts;
    const { base, isChanged } = this.#draft;
    discard.hidden = !isChanged;
    save.setAttribute("aria-disabled", !isChanged);
    const by = base.updatedBy ? ` by ${nameOf(base.updatedBy)}` : "";
    state.textContent = isChanged ? "Not saved yet." : base.updatedAt ? `Changed ${formatDateTime(base.updatedAt)}${by}.` : "";
  }

  #conflict() {
    const { conflict } = this.#draft;
    if (!conflict) return null;
    return h("div", { class: "conflict", role: "alert" },
      h("p", {}, h("strong", {}, `Changed ${formatDateTime(conflict.at)} by ${nameOf(conflict.by)}:`)),
      h("ul", {}, conflict.changes.map((line) => h("li", { dir: "auto" }, line))),
      h("p", {}, "What you typed is kept. Save to put it on top of that, or discard it."));
  }

  #discard() {
    this.#draft.reset(this.feedback);
    this.#renderForm();
  }

  /** Saves with the status Resolved. The status before, for whoever wants to undo it; undefined if it was not saved. */
  async resolve() {
    const before = this.#draft.base.status;
    this.#draft.status = "RESOLVED";
    this.#renderForm();
    return (await this.save()) ? before : undefined;
  }

  focusNote() {
    const { note } = this.#parts;
    note.focus();
    note.setSelectionRange(note.value.length, note.value.length);
  }

  focusTag() {
    this.#parts.tags.querySelector("input").focus();
  }

  /** Whether it was saved. */
  async save() {
    const draft = this.#draft;
    const { change, base, id } = draft;
    if (Object.keys(change).length === 0) {
      this.say("There is nothing to save.");
      return false;
    }
    this.#showErrors([]);
    let answer;
    try {
      answer = await triage({ id, expectedVersion: base.version, ...change });
    } catch (error) {
      this.#showErrors([{ field: [], message: `Not saved. ${error.message}` }]);
      return false;
    }
    const { feedback, userErrors } = answer;
    const isConflict = userErrors.some(({ code }) => code === "VERSION_CONFLICT");
    if (userErrors.length > 0 && !isConflict) {
      const isGone = userErrors.some(({ code }) => code === "NOT_FOUND");
      this.#showErrors(isGone ? [{ field: [], message: "Not saved: somebody has deleted this feedback." }] : userErrors);
      return false;
    }
    if (isConflict) draft.rebase(feedback);
    else draft.reset(feedback);
    this.feedback = feedback;
    this.#renderForm();
    // After a conflict nothing may be left: then the change had been made before, by an answer that was lost.
    const isSaved = !draft.isChanged;
    this.saved(feedback);
    if (isSaved) this.say("Saved.");
    return isSaved;
  }

  #showErrors(errors) {
    const places = { addTags: "tag", removeTags: "tag", note: "note" };
    const texts = { tag: [], note: [], triage: [] };
    const tags = this.#draft.change.addTags ?? [];
    for (const { field: [name, index], message } of errors) {
      const place = places[name] ?? "triage";
      const subject = { tag: tags[index] ? `“${tags[index]}” ` : "The tags ", note: "The note ", triage: "" }[place];
      texts[place].push(subject + message);
    }
    for (const [place, lines] of Object.entries(texts)) {
      this.element.querySelector(`#${place}-error`).textContent = lines.join(" ");
      const field = this.element.querySelector(`#${place}`);
      field?.toggleAttribute("aria-invalid", false);
      if (lines.length > 0) field?.setAttribute("aria-invalid", "true");
    }
  }
}

/** Who changed something: a service that is open to everyone does not know. */
const nameOf = (caller) => (!caller || caller === "everyone" ? "somebody" : caller);

/** Drops unsaved changes of feedback that no longer exists. */
export const forget = (id) => drafts.delete(id);
