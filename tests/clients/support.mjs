// What the tests share: where the service is, feedback to look for, and programs to run.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";

export const here = import.meta.dirname;
export const root = dirname(dirname(here));
export const endpoint = `${process.env.FEEDBACK_URL ?? "http://127.0.0.1:4000"}/graphql`;

/** Whether the service executes trusted documents alone, so that the tested client names them by id. */
export const byId = process.env.FEEDBACK_BY_ID === "true";

/** Where the same feedback can be had by any text. */
const textEndpoint = byId ? `${process.env.FEEDBACK_TEXT_URL}/graphql` : endpoint;

export const python = `${here}/.venv/bin/python`;
export const sdl = readFileSync(`${root}/schema.graphql`, "utf8");

/** A program of a package. */
export const bin = (name) => `${here}/node_modules/.bin/${name}`;

/** A topic that nothing else has, so that a test counts only what is its own on a server that has more. */
export function newTopic(name) {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** The data that an operation gives, asked for without any client. */
export async function ask(query, variables, url = textEndpoint) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Submits feedback on a topic; its ids in the order of the listing, the newest first. */
export async function seed(topic, count) {
  const submit = "mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { feedback { id } } }";
  for (let n = 1; n <= count; n++) {
    const metadata = [{ key: "number", value: String(n) }];
    await ask(submit, { input: { message: `Number ${n} on ${topic}`, rating: 1 + (n % 5), topic, metadata } });
  }
  return ids(topic);
}

/** The ids of all feedback on a topic, the newest first. */
export async function ids(topic) {
  const list = "query ($topic: String!) { feedbacks(first: 100, filter: { topic: $topic }) { nodes { id } } }";
  const { feedbacks } = await ask(list, { topic });
  return feedbacks.nodes.map(({ id }) => id);
}

/** What a program prints, and how it ends. */
export async function run(command, args, { cwd = here, env = {} } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const [code, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, output, errors };
}
