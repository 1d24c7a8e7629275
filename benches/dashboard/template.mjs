// What AWS makes of template.yaml for some values of its parameters: conditions decided, references resolved.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const TEMPLATE = join(import.meta.dirname, '../../template.yaml');
const NOTHING = Symbol('AWS::NoValue');
const PSEUDO = { 'AWS::NoValue': NOTHING, 'AWS::StackName': 'feedback', 'AWS::Region': 'eu-central-1' };

const TAGS = ['And', 'Condition', 'Equals', 'GetAtt', 'If', 'Join', 'Not', 'Or', 'Ref', 'Select', 'Split', 'Sub'];
const customTags = TAGS.flatMap((name) => [
  { tag: `!${name}`, resolve: (text) => ({ [name]: name === 'GetAtt' ? text.split(/\.(.*)/, 2) : text }) },
  { tag: `!${name}`, collection: 'seq', resolve: (items) => ({ [name]: items.toJSON() }) },
]);

/** What a resource, or an attribute of one, is called. */
export const nameOf = (reference) => (reference in PSEUDO ? PSEUDO[reference] : `feedback-${reference}`);

/** The resources that there are, by their logical names. */
export function resources(parameters) {
  const { Parameters, Conditions, Resources } = parse(readFileSync(TEMPLATE, 'utf8'), { customTags });
  const given = Object.fromEntries(
    Object.entries(Parameters).map(([name, { Default }]) => [name, parameters[name] ?? Default]),
  );
  const refer = (name) => (name in given ? given[name] : nameOf(name));

  const functions = {
    And: (all) => all.map(resolve).every(Boolean),
    Condition: (name) => resolve(Conditions[name]),
    Equals: ([left, right]) => String(resolve(left)) === String(resolve(right)),
    GetAtt: (path) => nameOf(path.join('.')),
    If: ([condition, yes, no]) => resolve(resolve(Conditions[condition]) ? yes : no),
    Join: ([separator, parts]) => resolve(parts).join(separator),
    Not: ([condition]) => !resolve(condition),
    Or: (all) => all.map(resolve).some(Boolean),
    Ref: refer,
    Select: ([index, parts]) => resolve(parts)[index],
    Split: ([delimiter, whole]) => resolve(whole).split(delimiter),
    Sub(argument) {
      const [pattern, own] = Array.isArray(argument) ? [argument[0], resolve(argument[1])] : [argument, {}];
      return pattern.replace(/\$\{(!?)([^}]+)\}/g, (_, literal, name) =>
        literal ? `\${${name}}` : (own[name] ?? refer(name)),
      );
    },
  };

  function resolve(value) {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== NOTHING);
    if (value === null || typeof value !== 'object') return value;
    const [[name, argument], ...others] = Object.entries(value);
    if (others.length === 0 && name in functions && !(name === 'Condition' && typeof argument !== 'string'))
      return functions[name](argument);
    const entries = Object.entries(value).map(([key, entry]) => [key, resolve(entry)]);
    return Object.fromEntries(entries.filter(([, entry]) => entry !== NOTHING));
  }

  const there = Object.entries(Resources).filter(([, { Condition }]) => !Condition || resolve(Conditions[Condition]));
  return Object.fromEntries(
    there.map(([name, { Type, Properties }]) => [name, { Type, Properties: resolve(Properties ?? {}) }]),
  );
}
