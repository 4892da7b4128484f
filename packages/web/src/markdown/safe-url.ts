// Which addresses a model may link to: the web and mail, nothing that runs or stays hidden.

const schemes: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);
const charsMax = 2048;

/** The address as it may be linked to; null when it may not. Relative addresses mean nothing here. */
export function safeUrl(address: string): string | null {
  if (address.length > charsMax) return null;
  try {
    const url = new URL(address);
    return schemes.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
