// The scalars DateTime and Date, as their descriptions have them: a date-time of RFC 3339, and a calendar date of ISO 8601.

import { GraphQLError, Kind, print } from "graphql";

const FORM = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):(\d\d))$/;

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/** A date in the value of a variable, as it was written. */
export function parseDate(value) {
  if (typeof value === "string" && isDate(value)) return value;
  throw new GraphQLError(`not a calendar date: ${JSON.stringify(value)}`);
}

/** A date in a document, as it was written. */
export function parseDateLiteral(node) {
  if (node.kind === Kind.STRING && isDate(node.value)) return node.value;
  throw new GraphQLError(`not a calendar date: ${print(node)}`, { nodes: node });
}

/** A date-time in the value of a variable, as it was written. */
export function parseDateTime(value) {
  if (typeof value === "string" && isDateTime(value)) return value;
  throw new GraphQLError(`not a date-time of RFC 3339: ${JSON.stringify(value)}`);
}

/** A date-time in a document, as it was written. */
export function parseDateTimeLiteral(node) {
  if (node.kind === Kind.STRING && isDateTime(node.value)) return node.value;
  throw new GraphQLError(`not a date-time of RFC 3339: ${print(node)}`, { nodes: node });
}

/** Whether it is a date that the service has: from 1970-01-01 to 2286-11-20. */
function isDate(text) {
  const [, year, month, day] = (DATE.exec(text) ?? []).map(Number);
  return isDay(year, month, day) && "1970-01-01" <= text && text <= "2286-11-20";
}

function isDay(year, month, day) {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
}

function isDateTime(text) {
  const parts = FORM.exec(text);
  if (!parts) return false;
  const numbers = parts.slice(1).map((part = "0") => Number(part));
  const [year, month, day, hour, minute, second, offsetHour, offsetMinute] = numbers;
  const isTime = hour < 24 && minute < 60 && (second < 60 || isLeapSecond(text));
  return isDay(year, month, day) && isTime && offsetHour < 24 && offsetMinute < 60;
}

/** How many days a month has. Years before 100 would be taken for others; all repeat after 400. */
function daysOf(year, month) {
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** Whether a second 60 stands where RFC 3339 has it: at the end of a month in UTC. */
function isLeapSecond(text) {
  const following = new Date(Date.parse(text.toUpperCase().replace(":60", ":59")) + 1_000);
  return text.slice(17, 19) === "60" && following.toISOString().includes("-01T00:00:00");
}
