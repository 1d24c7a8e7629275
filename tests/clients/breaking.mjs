// Compares the schema with an earlier commit's, and fails where a client of the earlier one would break.
//
//   node breaking.mjs [SCHEMA]
//
// The earlier one is of the commit before, or of the one that FEEDBACK_SCHEMA_BASE names. What was deprecated
// there may go: that is the way to remove something.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DiffRule, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

/** What changes from one SDL to the other: what breaks clients, and what may surprise them. */
export async function compare(before, after) {
  const rules = [DiffRule.suppressRemovalOfDeprecatedField];
  const changes = await diff(buildSchema(before), buildSchema(after), rules);
  const of = (wanted) =>
    changes.filter(({ criticality: { level } }) => level === wanted).map(({ message }) => message);
  return { breaking: of("BREAKING"), dangerous: of("DANGEROUS") };
}

/** The file as a commit has it; nothing if there is no such commit, or no such file in it. */
function earlier(file, revision) {
  const git = (...args) =>
    execFileSync("git", ["-C", dirname(file), ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  try {
    return git("show", `${revision}:./${basename(file)}`);
  } catch {
    return undefined;
  }
}

async function main() {
  const file = resolve(process.argv[2] ?? fileURLToPath(new URL("../../schema.graphql", import.meta.url)));
  const base = process.env.FEEDBACK_SCHEMA_BASE;
  const revision = base || "HEAD~1";
  const before = earlier(file, revision);
  if (before === undefined) {
    console.log(`There is no ${basename(file)} at ${revision} to compare with.`);
    // The first commit has none before it; who names a commit means one that is there.
    return base ? 2 : 0;
  }
  const { breaking, dangerous } = await compare(before, readFileSync(file, "utf8"));
  for (const message of breaking) console.log(`breaking: ${message}`);
  for (const message of dangerous) console.log(`dangerous: ${message}`);
  console.log(`${breaking.length} breaking and ${dangerous.length} dangerous changes since ${revision}`);
  return breaking.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
