// As much of Logs Insights as the template's queries take, over lines as objects with `@timestamp`. What it does not
// know is an error.

const TOKEN = /\s*("[^"]*"|[@A-Za-z_][\w.@]*|\d+(?:\.\d+)?[smhd]?|[<>!]=|[|,()[\]=<>*])/y;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The rows that a query gives. */
export function run(query, lines) {
  const tokens = tokenize(query.replace(/^SOURCE '[^']*' \| /, ''));
  let rows = lines;
  do rows = command(tokens, rows);
  while (tokens.accept('|'));
  if (tokens.peek() !== undefined) throw new Error(`${tokens.peek()} is not expected in ${query}`);
  return rows;
}

function command(tokens, rows) {
  switch (tokens.next()) {
    case 'fields': {
      const fields = list(tokens, named);
      return rows.map((row) => Object.fromEntries(fields.map(({ name, value }) => [name, value(row)])));
    }
    case 'filter':
      return rows.filter(either(tokens));
    case 'limit':
      return rows.slice(0, Number(tokens.next()));
    case 'sort': {
      const field = tokens.next();
      const sign = tokens.accept('desc') ? -1 : (tokens.accept('asc'), 1);
      const value = (row) => get(row, field) ?? -Infinity;
      return rows.toSorted((a, b) => (value(a) < value(b) ? -sign : value(a) > value(b) ? sign : 0));
    }
    case 'stats':
      return stats(tokens, rows);
    default:
      throw new Error('a command that is not known');
  }
}

function stats(tokens, rows) {
  const aggregates = list(tokens, (tokens) => {
    const start = tokens.position;
    const { of } = aggregate(tokens);
    const text = tokens.text(start);
    return { of, name: tokens.accept('as') ? tokens.next() : text };
  });
  const keys = tokens.accept('by') ? list(tokens, named) : [];
  const groups = new Map();
  for (const row of rows) {
    const values = keys.map(({ value }) => value(row));
    const id = JSON.stringify(values);
    if (!groups.has(id)) groups.set(id, { values, rows: [] });
    groups.get(id).rows.push(row);
  }
  return [...groups.values()].map((group) =>
    Object.fromEntries([
      ...keys.map(({ name }, index) => [name, group.values[index]]),
      ...aggregates.map(({ name, of }) => [name, of(group.rows)]),
    ]),
  );
}

function aggregate(tokens) {
  const name = tokens.next();
  tokens.expect('(');
  const value = tokens.accept('*') ? () => true : single(tokens);
  const rank = tokens.accept(',') ? Number(tokens.next()) : undefined;
  tokens.expect(')');
  const present = (rows) => rows.map(value).filter((found) => found !== undefined);
  const sum = (values) => values.reduce((total, found) => total + found, 0);
  const functions = {
    avg: (values) => sum(values) / values.length,
    count: (values) => values.length,
    max: (values) => values.reduce((most, found) => (found > most ? found : most)),
    pct: (values) => values.toSorted((a, b) => a - b)[Math.ceil((values.length * rank) / 100) - 1],
    sum,
  };
  const of = functions[name];
  if (!of) throw new Error(`${name} aggregates nothing`);
  return { of: (rows) => of(present(rows)) };
}

function named(tokens) {
  const start = tokens.position;
  const value = single(tokens);
  const text = tokens.text(start);
  return { value, name: tokens.accept('as') ? tokens.next() : text };
}

function list(tokens, item) {
  const items = [item(tokens)];
  while (tokens.accept(',')) items.push(item(tokens));
  return items;
}

function either(tokens) {
  let value = both(tokens);
  while (tokens.accept('or')) {
    const [left, right] = [value, both(tokens)];
    value = (row) => left(row) || right(row);
  }
  return value;
}

function both(tokens) {
  let value = comparison(tokens);
  while (tokens.accept('and')) {
    const [left, right] = [value, comparison(tokens)];
    value = (row) => left(row) && right(row);
  }
  return value;
}

function comparison(tokens) {
  const left = single(tokens);
  const comparisons = {
    '=': (a, b) => a === b,
    '!=': (a, b) => a !== b,
    '>=': (a, b) => a >= b,
    '<=': (a, b) => a <= b,
    '>': (a, b) => a > b,
    '<': (a, b) => a < b,
  };
  if (tokens.accept('in')) {
    tokens.expect('[');
    const values = list(tokens, single);
    tokens.expect(']');
    return (row) => values.some((value) => value(row) === left(row));
  }
  const compare = comparisons[tokens.peek()];
  if (!compare) return left;
  tokens.next();
  const right = single(tokens);
  return (row) => compare(left(row), right(row));
}

function single(tokens) {
  const token = tokens.next();
  if (token === '(') {
    const value = either(tokens);
    tokens.expect(')');
    return value;
  }
  if (token.startsWith('"')) return () => token.slice(1, -1);
  if (/^\d/.test(token)) return () => Number(token);
  if (!tokens.accept('(')) return (row) => get(row, token);
  const argument = tokens.next();
  tokens.expect(')');
  if (token === 'ispresent') return (row) => get(row, argument) !== undefined;
  if (token === 'bin') {
    const width = Number.parseInt(argument, 10) * UNITS[argument.at(-1)];
    return (row) => Math.floor(row['@timestamp'] / width) * width;
  }
  throw new Error(`${token} is no function`);
}

/** A field; of an object within a line, behind a dot. */
function get(row, field) {
  if (field in row) return row[field];
  return field.split('.').reduce((value, name) => value?.[name], row);
}

function tokenize(query) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < query.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(query);
    if (!found) throw new Error(`${query.slice(at)} is not known`);
    tokens.push(found[1]);
  }
  return {
    position: 0,
    peek() {
      return tokens[this.position];
    },
    next() {
      return tokens[this.position++];
    },
    text(start) {
      return tokens.slice(start, this.position).join('');
    },
    accept(token) {
      return this.peek() === token && Boolean(++this.position);
    },
    expect(token) {
      if (!this.accept(token)) throw new Error(`${token} is missing before ${this.peek()} in ${query}`);
    },
  };
}
