// <feedback-form endpoint="https://…/graphql" topic="checkout"></feedback-form>, as docs/web.md describes it.

const SUBMIT = `mutation SubmitFeedback($input: SubmitFeedbackInput!) {
  submitFeedback(input: $input) { feedback { id } userErrors { field code message } }
}`;

const MESSAGE_LENGTH = 5000; // code points
const ATTEMPTS = 9; // with growing pauses: some four minutes in all

const TEXTS = {
  en: {
    heading: "Send feedback",
    rating: "How satisfied are you?",
    ratings: "Very dissatisfied|Dissatisfied|Neutral|Satisfied|Very satisfied",
    clear: "Clear",
    message: "Your feedback",
    email: "Your email address",
    "email-hint": "Only if you would like an answer.",
    optional: "optional",
    submit: "Send",
    retry: "Send now",
    sending: "Sending …",
    offline: "You are offline. Your feedback is kept, and sent when you are online.",
    waiting: "Your feedback could not be sent yet. It is kept, and sent as soon as possible.",
    failed: "Your feedback could not be sent. It is kept: please try again later.",
    thanks: "Thank you for your feedback.",
    again: "Send more feedback",
    length: "characters of",
    BLANK: "Please write something first.",
    TOO_LONG: "Please shorten this text.",
    INVALID_EMAIL: "Please check this email address.",
  },
  de: {
    heading: "Feedback senden",
    rating: "Wie zufrieden sind Sie?",
    ratings: "Sehr unzufrieden|Unzufrieden|Neutral|Zufrieden|Sehr zufrieden",
    clear: "Entfernen",
    message: "Ihr Feedback",
    email: "Ihre E-Mail-Adresse",
    "email-hint": "Nur wenn Sie eine Antwort möchten.",
    optional: "freiwillig",
    submit: "Senden",
    retry: "Jetzt senden",
    sending: "Wird gesendet …",
    offline: "Sie sind offline. Ihr Feedback bleibt erhalten und wird gesendet, sobald Sie online sind.",
    waiting: "Ihr Feedback konnte noch nicht gesendet werden. Es bleibt erhalten und wird so bald wie möglich gesendet.",
    failed: "Ihr Feedback konnte nicht gesendet werden. Es bleibt erhalten: Bitte versuchen Sie es später.",
    thanks: "Vielen Dank für Ihr Feedback.",
    again: "Weiteres Feedback senden",
    length: "Zeichen von",
    BLANK: "Bitte schreiben Sie zuerst etwas.",
    TOO_LONG: "Bitte kürzen Sie diesen Text.",
    INVALID_EMAIL: "Bitte prüfen Sie diese E-Mail-Adresse.",
  },
};

// light-dark() follows the color-scheme of the page around the form, and not only the system's.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host {
  --accent: var(--feedback-accent, light-dark(#3a4fc4, #a3b1ff));
  --on-accent: var(--feedback-on-accent, light-dark(#fff, #10142e));
  --background: var(--feedback-background, light-dark(#fff, #1b1d23));
  --text: var(--feedback-text, light-dark(#1c1e26, #e9eaf0));
  --muted: var(--feedback-muted, light-dark(#5c6070, #a5a9b8));
  --error: var(--feedback-error, light-dark(#b3261e, #ffb4ab));
  --radius: var(--feedback-radius, .5rem);
  display: block; max-width: 32rem; color: var(--text);
  font: 1rem/1.5 var(--feedback-font, system-ui, sans-serif);
}
:host([hidden]), [hidden] { display: none !important }
* { box-sizing: border-box; margin: 0; min-width: 0 }
.card { padding: min(1.25rem, 6vw); overflow-wrap: anywhere; background: var(--background); border: 1px solid light-dark(#dfe1e8, #343741); border-radius: var(--radius) }
form, .thanks { display: grid; gap: 1rem; justify-items: start }
form > * { width: 100% }
h2 { font-size: 1.25rem; line-height: 1.3 }
fieldset { padding: 0; border: 0 }
label, legend, .thanks { padding: 0; font-weight: 600 }
.hint, .error { font-size: .875rem; font-weight: 400; color: var(--muted) }
.error { color: var(--error) }
.scale { display: flex; flex-wrap: wrap; margin: .25rem -.375rem 0 }
.scale label { position: relative; padding: .375rem; color: var(--muted) }
.scale input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer }
svg { display: block; width: 2rem; border-radius: 50%; fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round }
:checked + svg { color: var(--on-accent); background: var(--accent) }
:focus-visible, :focus-visible + svg { outline: 2px solid var(--accent); outline-offset: 1px }
textarea, [type=email] {
  display: block; width: 100%; margin-top: .25rem; padding: .5rem .625rem; font: inherit; color: inherit;
  background: none; border: 1px solid light-dark(#868b9b, #717687); border-radius: var(--radius);
}
textarea { resize: vertical }
[aria-invalid] { border-color: var(--error) }
button { font: inherit; cursor: pointer; color: var(--accent); background: none; border: 0; padding: 0; text-decoration: underline }
.send { width: auto; max-width: 100%; padding: .5rem min(1.25rem, 6vw); font-weight: 600; text-decoration: none; color: var(--on-accent); background: var(--accent); border-radius: var(--radius); transition: opacity .2s }
.send:hover, [aria-disabled=true] { opacity: .9 }
.trap { position: absolute; left: -9999px }
[role=status]:empty { margin-top: -1rem }
@media (prefers-reduced-motion: reduce) { .send { transition: none } }
`);

/** An element, without the attributes that are false or undefined. */
function h(name, attributes, ...children) {
  const namespace = name === "svg" || name === "path" ? "2000/svg" : "1999/xhtml";
  const element = document.createElementNS(`http://www.w3.org/${namespace}`, name);
  for (const attribute in attributes) {
    if (attributes[attribute]) element.setAttribute(attribute, attributes[attribute]);
  }
  element.append(...children);
  return element;
}

/** From a frown to a smile. */
function face(bend) {
  const [end, middle] = [15.5 - bend / 2, 15.5 + bend * 1.7];
  const d = `M2 12a10 10 0 1 0 20 0a10 10 0 1 0-20 0M9 9.5v.5M15 9.5v.5M8 ${end}Q12 ${middle} 16 ${end}`;
  return h("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d }));
}

/** Where storage is blocked, a draft lives as long as its page. */
function store(act) {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}

/** RFC 9110, section 10.2.3: seconds, or a date. */
const secondsOf = (retryAfter) => Number(retryAfter ?? NaN) || (Date.parse(retryAfter) - Date.now()) / 1000;

class FeedbackForm extends HTMLElement {
  static observedAttributes = ["lang"];

  /** Added by the page, like `{ version: "1.4.2" }`. */
  metadata = {};

  #root = this.attachShadow({ mode: "open" });
  #texts;
  #parts;
  #draft;
  #shownAt;
  #sending = false;
  #attempts = 0;
  #timer;
  #online = () => this.#draft.isSubmitted && this.#send();

  connectedCallback() {
    this.#root.adoptedStyleSheets = [sheet];
    this.#begin(this.#draft ?? store((storage) => JSON.parse(storage.getItem(this.#key))));
    this.#render();
    addEventListener("online", this.#online);
    this.#online();
  }

  disconnectedCallback() {
    removeEventListener("online", this.#online);
    clearTimeout(this.#timer);
  }

  attributeChangedCallback() {
    if (this.#parts) this.#render();
  }

  get #key() {
    return `feedback-form ${this.getAttribute("endpoint")} ${this.getAttribute("topic")}`;
  }

  #begin(draft) {
    this.#draft = draft ?? { key: newKey(), message: "", email: "", elapsedMs: 0 };
    this.#shownAt = Date.now() - this.#draft.elapsedMs;
  }

  #save() {
    this.#draft.elapsedMs = Date.now() - this.#shownAt;
    store((storage) => storage.setItem(this.#key, JSON.stringify(this.#draft)));
  }

  #render() {
    const language = (this.lang || this.closest("[lang]")?.lang || navigator.language).slice(0, 2).toLowerCase();
    const lang = language in TEXTS ? language : "en";
    const texts = (this.#texts = { ...TEXTS[lang] });
    for (const name in texts) texts[name] = this.getAttribute(`text-${name}`) ?? texts[name];

    const { message, rating, email } = this.#draft;
    const names = texts.ratings.split("|");
    const optional = () => h("span", { class: "hint" }, ` (${texts.optional})`);
    const errorOf = (name) => h("p", { class: "error", id: `${name}-error` });
    const described = (name) => ({ id: name, "aria-describedby": `${name}-error ${name}-hint` });

    const clear = h("button", { type: "button" }, texts.clear);
    const chosen = h("p", { class: "hint" });
    const ratings = h("fieldset", { id: "rating", "aria-describedby": "rating-error", hidden: this.hasAttribute("no-rating") },
      h("legend", null, texts.rating, optional()),
      h("div", { class: "scale" }, ...names.map((name, index) => h("label", { title: name },
        h("input", { type: "radio", name: "rating", value: index + 1, "aria-label": name, checked: rating === index + 1 }),
        face(index - 2)))),
      chosen, errorOf("rating"));
    const area = h("textarea", { ...described("message"), rows: 5, "aria-required": "true" }, message);
    const length = h("p", { class: "hint", id: "message-hint" });
    const address = h("input", { ...described("email"), type: "email", autocomplete: "email", value: email });
    const trap = h("input", { class: "trap", name: "details", tabindex: "-1", "aria-hidden": "true", autocomplete: "off" });
    const send = h("button", { class: "send" });
    const status = h("p", { role: "status" });
    const form = h("form", { novalidate: true, "aria-labelledby": "heading" },
      h("div", { id: "heading" }, h("slot", { name: "heading" }, h("h2", null, texts.heading))),
      h("slot", { name: "intro" }),
      ratings,
      h("div", null, h("label", { for: "message" }, texts.message), area, length, errorOf("message")),
      h("div", { hidden: this.hasAttribute("no-email") },
        h("label", { for: "email" }, texts.email, optional()), address, errorOf("email"),
        h("p", { class: "hint", id: "email-hint" }, texts["email-hint"])),
      h("slot", { name: "privacy" }),
      trap, send, status);
    const again = h("button", null, texts.again);
    const thanks = h("div", { class: "thanks", tabindex: "-1", hidden: true },
      h("slot", { name: "thanks" }, h("p", null, texts.thanks)), again);
    this.#root.replaceChildren(h("div", { class: "card", lang }, form, h("div", { role: "status" }, thanks)));

    const show = () => {
      const { rating, message } = this.#draft;
      chosen.replaceChildren(...(rating ? [names[rating - 1], " ", clear] : []));
      const n = [...message].length;
      length.textContent = n > MESSAGE_LENGTH * 0.9 ? `${n} ${texts.length} ${MESSAGE_LENGTH}` : "";
    };
    form.oninput = () => {
      this.#draft.pageUrl ??= this.#pageUrl;
      this.#draft.message = area.value;
      this.#draft.email = address.value;
      this.#draft.rating = Number(ratings.querySelector(":checked")?.value) || undefined;
      // Nothing is sent while somebody is still changing it.
      this.#stop();
      show();
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    clear.onclick = () => {
      const checked = ratings.querySelector(":checked");
      checked.focus();
      checked.checked = false;
      form.oninput();
    };
    again.onclick = () => {
      thanks.hidden = true;
      form.hidden = false;
      area.focus();
    };
    this.#parts = { form, ratings, area, address, trap, send, status, thanks };
    show();
    this.#say();
  }

  /** Without its query, which may say more than its visitors would. */
  get #pageUrl() {
    const url = location.origin + location.pathname + (this.hasAttribute("with-query") ? location.search : "");
    return /^http.{1,2044}$/.test(url) ? url : undefined;
  }

  #say(name) {
    const { ratings, send, area, address, status } = this.#parts;
    status.textContent = this.#texts[name] ?? "";
    status.className = name === "failed" ? "error" : "hint";
    send.textContent = this.#texts[this.#draft.isSubmitted && !this.#sending ? "retry" : "submit"];
    send.setAttribute("aria-disabled", this.#sending);
    area.readOnly = address.readOnly = ratings.disabled = this.#sending;
  }

  /** Returns the errors that belong to no field. */
  #showErrors(errors) {
    const fields = ["rating", "message", "email"];
    for (const name of fields.toReversed()) {
      const error = errors.find(({ field }) => field[0] === name);
      const element = this.#root.getElementById(name);
      this.#root.getElementById(`${name}-error`).textContent = error ? (this.#texts[error.code] ?? error.message) : "";
      element.removeAttribute("aria-invalid");
      if (!error) continue;
      element.setAttribute("aria-invalid", "true");
      element.focus();
    }
    return errors.filter(({ field }) => !fields.includes(field[0]));
  }

  #submit() {
    if (this.#sending) return;
    const isBlank = !this.#draft.message.trim();
    this.#showErrors(isBlank ? [{ field: ["message"], code: "BLANK" }] : []);
    if (isBlank) return;
    this.#draft.isSubmitted = true;
    this.#save();
    this.#attempts = 0;
    this.#send();
  }

  #stop(name) {
    clearTimeout(this.#timer);
    this.#draft.isSubmitted = false;
    this.#save();
    this.#say(name);
  }

  async #send() {
    if (this.#sending) return;
    clearTimeout(this.#timer);
    if (!navigator.onLine) {
      this.#say("offline");
      return;
    }
    this.#sending = true;
    this.#attempts++;
    this.#say("sending");
    const { payload, reason, retryAfter } = await this.#post();
    this.#sending = false;
    const userErrors = payload?.userErrors ?? [];
    if (payload?.feedback) {
      const hadFocus = this.#root.activeElement;
      store((storage) => storage.removeItem(this.#key));
      this.#begin();
      this.#render();
      const { form, thanks } = this.#parts;
      form.hidden = true;
      thanks.hidden = false;
      if (hadFocus) thanks.focus();
      this.#tell("feedback-submitted", payload.feedback);
    } else if (userErrors.some(({ code }) => code === "IDEMPOTENCY_KEY_REUSED")) {
      // An attempt without an answer was stored, and the text was changed since.
      this.#draft.key = newKey();
      this.#save();
      this.#send();
    } else if (retryAfter && this.#attempts < ATTEMPTS) {
      // Spread, so that not everybody returns at once.
      this.#timer = setTimeout(() => this.#send(), retryAfter * 1000 * (1 + Math.random() / 4));
      this.#say("waiting");
      this.#tell("feedback-failed", { reason, willRetry: true });
    } else {
      this.#stop(payload && this.#showErrors(userErrors).length === 0 ? "" : "failed");
      this.#tell("feedback-failed", { reason, userErrors, willRetry: false });
    }
  }

  async #post() {
    const { key, message, rating, email, pageUrl } = this.#draft;
    const input = {
      message,
      rating,
      email: email.trim() || undefined,
      topic: this.getAttribute("topic") || undefined,
      pageUrl,
      metadata: Object.entries(this.metadata).map(([key, value]) => ({ key, value: String(value) })),
      idempotencyKey: key,
      trap: this.#parts.trap.value,
      elapsedMs: Math.round(Math.min(Math.max(0, Date.now() - this.#shownAt), 2 ** 31 - 1)),
    };
    let response;
    let reason = "NETWORK";
    try {
      response = await fetch(this.getAttribute("endpoint"), {
        method: "POST",
        headers: { Accept: "application/graphql-response+json", "Content-Type": "application/json" },
        body: JSON.stringify({ query: SUBMIT, variables: { input } }),
        referrerPolicy: "no-referrer",
        keepalive: true,
        signal: AbortSignal.timeout(30_000),
      });
      reason = `HTTP_${response.status}`;
      const { data, errors } = await response.json();
      if (data?.submitFeedback) return { payload: data.submitFeedback, reason: "USER_ERRORS" };
      reason = errors?.[0].extensions?.code ?? reason;
    } catch {
      // No answer, or not the service's.
    }
    const { status = 503, headers } = response ?? {};
    if (status !== 429 && status < 500) return { reason };
    return { reason, retryAfter: Math.max(1, secondsOf(headers?.get("Retry-After")) || 2 ** this.#attempts / 2) };
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }
}

/** randomUUID exists on secure origins alone. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
}

customElements.define("feedback-form", FeedbackForm);
