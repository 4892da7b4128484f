// Reading parsed JSON of servers that promise nothing: what is not there is undefined or empty.

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member `name`, if `value` is an object that has it. */
export function child(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

/** The elements, if `value` is an array. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
