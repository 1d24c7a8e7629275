// An unsaved change of triage, which is kept when somebody else saves another one meanwhile.

import { STATUSES } from "./view.js";

const UNTRIAGED = { status: "OPEN", tags: [], note: null, version: 0 };

export class Draft {
  constructor(feedback) {
    this.id = feedback.id;
    /** The text in the field for a tag. */
    this.newTag = "";
    this.#take(feedback.triage ?? UNTRIAGED);
  }

  #take(base) {
    this.base = base;
    this.status = base.status;
    this.tags = [...base.tags];
    this.note = base.note ?? "";
    /** The change that somebody else has saved meanwhile. */
    this.conflict = null;
  }

  /** The fields of a change from the base to this; empty if nothing was typed. */
  get change() {
    const { base } = this;
    const change = {};
    if (this.status !== base.status) change.status = this.status;
    const added = this.tags.filter((tag) => !base.tags.includes(tag));
    const removed = base.tags.filter((tag) => !this.tags.includes(tag));
    if (added.length > 0) change.addTags = added;
    if (removed.length > 0) change.removeTags = removed;
    if (this.note.trim() !== (base.note ?? "")) change.note = this.note;
    return change;
  }

  get isChanged() {
    return Object.keys(this.change).length > 0;
  }

  /** Drops the change. */
  reset(feedback) {
    this.#take(feedback.triage ?? UNTRIAGED);
  }

  /** Puts the change on top of the feedback as it is now. */
  rebase({ triage }) {
    const now = triage ?? UNTRIAGED;
    if (now.version === this.base.version) return;
    const { base, change } = this;
    this.#take(now);
    this.status = change.status ?? now.status;
    this.tags = [...now.tags.filter((tag) => !change.removeTags?.includes(tag)),
      ...(change.addTags ?? []).filter((tag) => !now.tags.includes(tag))];
    this.note = change.note ?? now.note ?? "";
    this.conflict = this.isChanged ? { by: now.updatedBy, at: now.updatedAt, changes: differences(base, now) } : null;
  }
}

function differences(before, now) {
  const lines = [];
  const added = now.tags.filter((tag) => !before.tags.includes(tag));
  const removed = before.tags.filter((tag) => !now.tags.includes(tag));
  if (now.status !== before.status) lines.push(`Status: ${STATUSES[before.status]} → ${STATUSES[now.status]}`);
  if (added.length > 0) lines.push(`Tags added: ${added.join(", ")}`);
  if (removed.length > 0) lines.push(`Tags removed: ${removed.join(", ")}`);
  if (now.note !== before.note) lines.push(now.note ? `Note: ${now.note}` : "Note removed");
  return lines;
}
