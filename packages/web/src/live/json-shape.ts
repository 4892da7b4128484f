// What a value out of JSON is, for readers of the server's answers.

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The objects of `body.data`, as lists answer; none when it is something else. */
export function dataOf(body: unknown): readonly JsonObject[] {
  if (!isObject(body) || !Array.isArray(body["data"])) return [];
  return body["data"].filter((one) => isObject(one));
}
