// Reads single fields out of JSON that somebody else wrote: what has another type is not there.

/** The value at a path of names and indices; undefined where there is none. */
export function fieldAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null) return undefined;
    if (!Object.hasOwn(current, step)) return undefined;
    current = Reflect.get(current, step);
  }
  return current;
}

/** A finite number, or null. */
export function numberAt(value: unknown, ...path: readonly (string | number)[]): number | null {
  const found = fieldAt(value, ...path);
  return typeof found === "number" && Number.isFinite(found) ? found : null;
}

/** An integer of at least 0, or null. */
export function countAt(value: unknown, ...path: readonly (string | number)[]): number | null {
  const found = numberAt(value, ...path);
  return found !== null && Number.isSafeInteger(found) && found >= 0 ? found : null;
}

export function stringAt(value: unknown, ...path: readonly (string | number)[]): string | null {
  const found = fieldAt(value, ...path);
  return typeof found === "string" ? found : null;
}

/** An array; empty where there is none. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found: unknown = fieldAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** JSON text as a value; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
