// Looking into JSON that others wrote: what is not as expected counts as absent.

/** Null for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is not JSON has none of the members that are looked for.
    return null;
  }
}

/** A value's own member, or the member of its member: `member(body, "error", "message")`. */
export function member(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names) {
    if (typeof found !== "object" || found === null) return undefined;
    if (!Object.hasOwn(found, name)) return undefined;
    found = new Map<string, unknown>(Object.entries(found)).get(name);
  }
  return found;
}

export function textMember(value: unknown, ...names: readonly string[]): string | null {
  const found = member(value, ...names);
  return typeof found === "string" ? found : null;
}

export function numberMember(value: unknown, ...names: readonly string[]): number | null {
  const found = member(value, ...names);
  return typeof found === "number" && Number.isFinite(found) ? found : null;
}

/** Empty for what is no array. */
export function listMember(value: unknown, ...names: readonly string[]): readonly unknown[] {
  const found = member(value, ...names);
  return Array.isArray(found) ? found : [];
}
