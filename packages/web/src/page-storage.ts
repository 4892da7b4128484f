// What the page remembers in this browser: small texts under the prefix "loci.". A browser that
// refuses storage costs the memory, never the page.

const prefix = "loci.";
/** One entry; what is larger is not kept. */
const entryCharsMax = 200_000;

/** Null when there is nothing, or nothing may be read. */
export function readStored(name: string): string | null {
  try {
    return localStorage.getItem(prefix + name);
  } catch {
    return null;
  }
}

/** Keeps a text, or removes it with null. False when it could not be kept. */
export function writeStored(name: string, text: string | null): boolean {
  if (text !== null && text.length > entryCharsMax) return false;
  try {
    if (text === null) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, text);
    return true;
  } catch {
    return false;
  }
}

/** A stored JSON value as it was parsed; null when there is none or it is broken. */
export function readStoredJson(name: string): unknown {
  const text = readStored(name);
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
