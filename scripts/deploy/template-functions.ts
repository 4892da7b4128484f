// The functions of Helm and Sprig that our chart calls, with their order of arguments: what comes
// through a pipe is the last.

import { stringify } from "yaml";

type Value = unknown;
type TemplateFunction = (args: readonly Value[]) => Value;

/** As Go's templates see it: empty things are false. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null || value === false) return false;
  if (value === "" || value === 0) return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  the: ([value]) => value,
  default: ([fallback, value]) => (isTrue(value) ? value : fallback),
  quote: ([value]) => JSON.stringify(textOf(value)),
  nindent: ([count, value]) => `\n${indented(textOf(value), Number(count))}`,
  toYaml: ([value]) => stringify(value, { lineWidth: 0 }).trimEnd(),
  printf: ([format, ...values]) => formatted(textOf(format), values),
  trunc: ([length, value]) => textOf(value).slice(0, Number(length)),
  trimSuffix: ([suffix, value]) => withoutSuffix(textOf(value), textOf(suffix)),
  join: ([separator, values]) =>
    Array.isArray(values) ? values.map(textOf).join(textOf(separator)) : textOf(values),
  int: ([value]) => Number(value),
  eq: ([left, right]) => left === right,
  gt: ([left, right]) => Number(left) > Number(right),
  not: ([value]) => !isTrue(value),
  and: (values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  index: ([map, key]) => fieldOf(map, textOf(key)),
  required: ([message, value]) => {
    if (isTrue(value)) return value;
    throw new Error(textOf(message));
  },
  // Nothing is installed yet.
  lookup: () => ({}),
  // The same each time, so that what is rendered can be compared.
  randAlphaNum: ([count]) => "x".repeat(Number(count)),
  b64enc: ([value]) => Buffer.from(textOf(value)).toString("base64"),
};

export function fieldOf(value: Value, name: string): Value {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === undefined || value === null) return "";
  throw new Error(`${JSON.stringify(value)} is printed without toYaml`);
}

function indented(text: string, count: number): string {
  const margin = " ".repeat(count);
  return text
    .split("\n")
    .map((line) => margin + line)
    .join("\n");
}

function formatted(format: string, values: readonly Value[]): string {
  let next = 0;
  return format.replaceAll("%s", () => textOf(values[next++]));
}

function withoutSuffix(text: string, suffix: string): string {
  return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text;
}
