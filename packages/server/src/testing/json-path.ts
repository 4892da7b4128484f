// Typed looks into JSON of many shapes, for tests: a path of names and indices, dots between.

/** What lies at `path`, e.g. `choices.0.message`; undefined where something on the way is absent. */
export function at(value: unknown, path: string): unknown {
  let here = value;
  for (const name of path.split(".")) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, name)) return undefined;
    here = Reflect.get(here, name);
  }
  return here;
}

/** The text at `path`. Throws when there is none. */
export function textAt(value: unknown, path: string): string {
  const found = at(value, path);
  if (typeof found !== "string") throw new TypeError(`no text at ${path}: ${shown(value)}`);
  return found;
}

/** The list at `path`. Throws when there is none. */
export function listAt(value: unknown, path: string): readonly unknown[] {
  const found = at(value, path);
  if (!Array.isArray(found)) throw new TypeError(`no list at ${path}: ${shown(value)}`);
  return found;
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 200);
}
