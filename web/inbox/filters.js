// The filter: a form that is folded away, and its conditions as chips.

import { h } from "./dom.js";
import { FILTERS } from "./view.js";

const RATINGS = { "1-2": "1 or 2: dissatisfied", "3": "3: neutral", "4-5": "4 or 5: satisfied", "1": "1", "2": "2", "4": "4", "5": "5" };

const LABELS = {
  rating: (value) => `Rating ${value.replace("-", "–")}`,
  from: (value) => `From ${value}`,
  to: (value) => `To ${value}`,
};

/** `apply` is called with the changed conditions. */
export function renderFilters(view, apply) {
  const inputs = {
    topic: h("input", { value: view.topic, maxlength: 64 }),
    rating: h("select", {}, h("option", { value: "" }, "Any"),
      Object.entries(RATINGS).map(([value, text]) => h("option", { value, selected: view.rating === value }, text))),
    tag: h("input", { value: view.tag, maxlength: 64 }),
    email: h("input", { type: "email", value: view.email, maxlength: 254, autocomplete: "off" }),
    from: h("input", { type: "date", value: view.from }),
    to: h("input", { type: "date", value: view.to }),
  };
  const form = h("form", {
    class: "filter-form",
    novalidate: true,
    onsubmit(event) {
      event.preventDefault();
      apply(Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, input.value.trim() || undefined])));
    },
  },
  Object.entries(inputs).map(([key, input]) => {
    input.id = `filter-${key}`;
    return h("div", {}, h("label", { for: input.id }, FILTERS[key].name), input);
  }),
  h("button", { class: "primary" }, "Apply"));
  const given = Object.keys(FILTERS).filter((key) => view[key]);
  const chips = given.map((key) => {
    const text = LABELS[key]?.(view[key]) ?? `${FILTERS[key].name}: ${view[key]}`;
    return h("button", { type: "button", class: "chip", title: "Remove", onclick: () => apply({ [key]: undefined }) },
      text, h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "hidden" }, " (remove this condition)"));
  });
  return h("div", { class: "filters" },
    h("details", {}, h("summary", {}, "Filter"), form), ...chips);
}
