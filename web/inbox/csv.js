// Feedback as a file for spreadsheets.

const COLUMNS = {
  id: ({ id }) => id,
  submittedAt: ({ submittedAt }) => submittedAt,
  message: ({ message }) => message,
  rating: ({ rating }) => rating,
  topic: ({ topic }) => topic,
  email: ({ email }) => email,
  pageUrl: ({ pageUrl }) => pageUrl,
  metadata: ({ metadata }) => metadata.map(({ key, value }) => `${key}: ${value}`).join("\n"),
  status: ({ triage }) => triage?.status,
  tags: ({ triage }) => triage?.tags.join(", "),
  note: ({ triage }) => triage?.note,
  updatedAt: ({ triage }) => triage?.updatedAt,
  updatedBy: ({ triage }) => triage?.updatedBy,
  quarantine: ({ quarantine }) => quarantine?.reasons.join(", "),
};

/** RFC 4180, with a mark by which Excel knows UTF-8. */
export function toCsv(nodes) {
  const lines = [Object.keys(COLUMNS), ...nodes.map((node) => Object.values(COLUMNS).map((of) => of(node)))];
  return `\uFEFF${lines.map((cells) => cells.map(cell).join(",")).join("\r\n")}\r\n`;
}

/**
 * A spreadsheet takes a cell with one of these at its start for a formula, which anybody could have sent. An
 * apostrophe in front says that it is text.
 */
function cell(value) {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /["\r\n,]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Lets the browser save a file. */
export function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Not before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
