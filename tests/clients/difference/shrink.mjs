// Makes a request that shows a difference as small as it can be while it still shows it.
//
// Everything is cut out of the text, which otherwise stays as it is: the difference may lie in how it is written.

import { Kind, TokenKind, parse, print, visit } from "graphql";
import { tokensOf } from "./text.mjs";

const MOST_TRIES = 500;

/** The smallest request found for which `differs` (a promise of a boolean) is true, as it is for this one. */
export async function shrink(request, differs) {
  let smallest = request;
  let tries = 0;
  const take = async (candidate) => {
    if (tries >= MOST_TRIES || size(candidate) >= size(smallest)) return false;
    tries++;
    if (!(await differs(candidate))) return false;
    smallest = candidate;
    return true;
  };
  // As usual, if it can be, before and after.
  const writeAsUsual = async () => {
    const document = parsed(smallest.query);
    const written = document && { ...smallest, query: print(document) };
    if (written && (await differs(written))) smallest = written;
  };
  await writeAsUsual();
  for (const ways of [waysToForget, waysToWrite, waysToCut, waysToForget, waysToCutTokens, waysToWrite]) {
    for (let n = 0, all; (all = ways(smallest)).length > n; ) {
      // After a success, the next place has the same number.
      if (!(await take(all[n]()))) n++;
    }
  }
  await writeAsUsual();
  return smallest;
}

/** What is written oddly counts as longer. */
function size(request) {
  return JSON.stringify(request).length + request.query.replace(/[\w\s(){}:$"]/g, "").length;
}

/** With single spaces between tokens, and nothing around them. */
function waysToWrite(request) {
  const { query } = request;
  const tokens = tokensOf(query);
  if (!tokens) return [];
  const ends = [0, ...tokens.map(({ end }) => end)];
  const before = ends.map((end, n) => query.slice(end, tokens[n]?.start));
  const usual = before.map((_, n) => (n === 0 || n === tokens.length ? "" : " "));
  return windows(before.length).map(([start, end]) => () => {
    const gaps = before.toSpliced(start, end - start, ...usual.slice(start, end));
    return { ...request, query: gaps.map((gap, n) => gap + (tokens[n]?.text ?? "")).join("") };
  });
}

/** Ranges of a list, from all of it down to each one of it. */
function windows(count) {
  const ranges = [];
  for (let length = count; length >= 1; length = length > 1 ? Math.ceil(length / 2) : 0) {
    const step = Math.ceil(length / 2);
    for (let start = 0; start + length <= count; start += step) ranges.push([start, start + length]);
  }
  return ranges;
}

/** Without a part of the syntax. */
function waysToCut(request) {
  const { query } = request;
  const document = parsed(query);
  if (!document) return [];
  const edits = [];
  const replace = (start, end, text = "") => {
    edits.push(() => ({ ...request, query: tidied(query.slice(0, start) + text + query.slice(end)) }));
  };
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  const enter = (node, key) => {
    const { startToken, endToken } = node.loc;
    // With the last one in parentheses, these go too.
    const isAlone = startToken.prev?.kind === TokenKind.PAREN_L && endToken.next?.kind === TokenKind.PAREN_R;
    if (isAlone) replace(startToken.prev.start, endToken.next.end);
    else if (typeof key === "number") replace(startToken.start, endToken.end);
    const inner = (set) => query.slice(set.loc.start + 1, set.loc.end - 1);
    if (node.kind === Kind.INLINE_FRAGMENT) replace(node.loc.start, node.loc.end, inner(node.selectionSet));
    if (node.kind === Kind.FRAGMENT_SPREAD) {
      const fragment = fragments.find(({ name }) => name.value === node.name.value);
      if (fragment) replace(node.loc.start, node.loc.end, inner(fragment.selectionSet));
    }
    if (node.kind === Kind.STRING) replace(node.loc.start, node.loc.end, '""');
    if (node.kind === Kind.LIST && node.values.length === 1) {
      replace(node.loc.start, node.loc.end, print(node.values[0]));
    }
    if (node.alias) replace(node.alias.loc.start, node.name.loc.start);
    if (node.defaultValue) replace(node.type.loc.end, node.defaultValue.loc.end);
    if (node.kind === Kind.OPERATION_DEFINITION && node.name) replace(node.name.loc.start, node.name.loc.end);
  };
  visit(document, { enter });
  return edits;
}

/** The text without fragments and variables that nothing uses. */
function tidied(text) {
  const document = parsed(text);
  if (!document) return text;
  const [spread, used] = [new Set(), new Set()];
  visit(document, {
    FragmentSpread: ({ name }) => void spread.add(name.value),
    Variable: ({ name }, key) => void (key !== "variable" && used.add(name.value)),
  });
  const isUnused = ({ kind, name, variable }) =>
    (kind === Kind.FRAGMENT_DEFINITION && !spread.has(name.value)) ||
    (kind === Kind.VARIABLE_DEFINITION && !used.has(variable.name.value));
  const parts = document.definitions.flatMap((definition) => [definition, ...(definition.variableDefinitions ?? [])]);
  const unused = parts.find(isUnused);
  if (!unused) return text;
  const { startToken, endToken } = unused.loc;
  const isAlone = startToken.prev.kind === TokenKind.PAREN_L && endToken.next.kind === TokenKind.PAREN_R;
  const [first, last] = isAlone ? [startToken.prev, endToken.next] : [startToken, endToken];
  return tidied(text.slice(0, first.start) + text.slice(last.end));
}

function parsed(text) {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** Without what is in brackets and some tokens before it, or some tokens in a row: for what cannot be parsed. */
function waysToCutTokens(request) {
  const { query } = request;
  if (parsed(query)) return [];
  const parts = tokensOf(query) ?? Array.from(query, (text, start) => ({ text, start, end: start + text.length }));
  const open = [];
  const brackets = [];
  parts.forEach(({ text }, n) => {
    if (/^[{([]$/.test(text)) open.push(n);
    if (!/^[})\]]$/.test(text) || open.length === 0) return;
    const start = open.pop();
    for (let before = 0; before <= 4; before++) brackets.push([Math.max(0, start - before), n + 1]);
  });
  // The outermost first.
  return [...brackets.reverse(), ...windows(parts.length)].map(([start, end]) => () => {
    return { ...request, query: query.slice(0, parts[start].start) + query.slice(parts[end - 1].end) };
  });
}

/** Without the operation's name, a variable, or something in one. */
function waysToForget(request) {
  const withoutName = () => ({ ...request, operationName: undefined });
  const without = (path) => () => {
    const variables = structuredClone(request.variables);
    const parent = path.slice(0, -1).reduce((value, key) => value[key], variables);
    if (Array.isArray(parent)) parent.splice(path.at(-1), 1);
    else delete parent[path.at(-1)];
    return { ...request, variables };
  };
  return [withoutName, ...pathsIn(request.variables).map(without)];
}

function pathsIn(value, path = []) {
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value).flatMap((key) => [[...path, key], ...pathsIn(value[key], [...path, key])]);
}
