// Documents as text: written as nobody would write them, and spoiled token by token.

import { Lexer, Source, TokenKind } from "graphql";

/** What may stand between two tokens, with how often. */
const BETWEEN = [
  [12, " "], [3, "\n"], [1, "\r\n"], [1, "\r"], [1, "\t"], [2, ","], [1, ", ,\n"], [0.3, "\uFEFF"], [2, ""],
  [1, '# a comment ☃ 😀 " { \\u\n'], [0.5, "#\r"],
];

/** Tokens for places where there should be none, and what is no token. */
const STRAY = [
  ..."{}()[]$@!:=|&%?'\"\\#-.", "...", "..", "on", "fragment", "query", "null", "true", "1", "01", "-01", "1.", "1a",
  "0xF", "1.5.", "1e", '""', '"""', '"\n"', '"\\x"', '"\\uD83D"', '"\\uDE00\\uD83D"', '"\\uD83D\\uDE00"',
  '"\\u{1F600}"', '"\\u{110000}"', '"\\u{D800}"', '"\\u{}"', '"\\u{000041}"', '"\\u00e"',
  '"""\\u{110000} \\"""   """', "é", "\u00A0", "\uFEFF", "\u2028",
];

/** Documents that lack nearly everything. */
const FRAGMENTARY = [
  "", " ", "# nothing\n", "{", "{}", "query", "{ ... }", "query Q", "fragment F on Feedback", "\uFEFF",
  "query Q() { __typename }", "{ node() { id } }", "{ __typename @include }", "query ($a) { __typename }",
];

/** The tokens of a text, as they stand there; undefined where it has anything else. */
export function tokensOf(text) {
  const lexer = new Lexer(new Source(text));
  const tokens = [];
  try {
    for (;;) {
      const { kind, start, end, value } = lexer.advance();
      if (kind === TokenKind.EOF) return tokens;
      tokens.push({ kind, start, end, value, text: text.slice(start, end) });
    }
  } catch {
    return undefined;
  }
}

/** The same document, written in another way. */
export function rewritten(random, text) {
  const tokens = tokensOf(text);
  const isPunctuator = ({ text }) => /^[^\w"-]/.test(text);
  let written = random.pick(["", "", "", "\uFEFF", "\n\n", "# first\n", " \t,"]);
  tokens.forEach((token, n) => {
    const previous = tokens[n - 1];
    const space = random.weighted(BETWEEN);
    const isNeeded = previous && !isPunctuator(previous) && !isPunctuator(token);
    if (previous) written += space === "" && isNeeded ? " " : space;
    const isText = token.kind === TokenKind.STRING || token.kind === TokenKind.BLOCK_STRING;
    written += isText ? textLiteral(random, token.value) : token.text;
  });
  return written + random.pick(["", "", "\n", "#", "# no newline", ","]);
}

/** A string in one of the ways in which it can be written. */
function textLiteral(random, value) {
  const escaped = (character) => {
    const code = character.codePointAt(0);
    if (random.chance(0.5)) return `\\u{${code.toString(16).padStart(random.below(6), "0")}}`;
    const units = Array.from({ length: character.length }, (_, n) => character.charCodeAt(n));
    return units.map((unit) => `\\u${unit.toString(16).toUpperCase().padStart(4, "0")}`).join("");
  };
  const indent = " ".repeat(random.below(4));
  const newline = random.pick(["\n", "\r\n", "\r"]);
  const lines = value.replaceAll('"""', '\\"""').split("\n");
  const plain = (character) => JSON.stringify(character).slice(1, -1);
  const mixed = Array.from(value, (character) => (random.chance(0.4) ? escaped(character) : plain(character)));
  const ways = [
    JSON.stringify(value),
    JSON.stringify(value).replaceAll("/", "\\/"),
    `"${mixed.join("")}"`,
    `"""${lines.join(newline + indent)}"""`,
    `"""${newline}${lines.map((line) => indent + line).join(newline)}${newline} ${newline}"""`,
  ];
  const way = random.pick(ways);
  // Not every text can be a block string.
  const tokens = tokensOf(way);
  return tokens?.length === 1 && tokens[0].value === value ? way : JSON.stringify(value);
}

/** The text with a token too many, too few or in another place, or a character. */
export function spoiledText(random, text) {
  if (random.chance(0.15)) return random.pick(FRAGMENTARY);
  if (random.chance(0.3)) {
    const place = random.below(text.length + 1);
    return text.slice(0, place) + random.pick(["", ...STRAY]) + text.slice(place + random.below(2));
  }
  const tokens = tokensOf(text).map(({ text }) => text);
  const place = random.below(tokens.length);
  const change = random.pick([
    () => tokens.splice(place, 1),
    () => tokens.splice(place, 0, tokens[place]),
    () => tokens.splice(place, 0, random.pick(STRAY)),
    () => tokens.splice(place, 1, random.pick(STRAY)),
    () => tokens.splice(place, 2, ...tokens.slice(place, place + 2).reverse()),
    () => tokens.splice(place),
  ]);
  change();
  return tokens.join(" ");
}
