// Reads the Prometheus text format, as far as a scrape of an engine needs it: the values of asked-for
// names. Everything else is skipped without being kept, so a scrape of ten thousand histogram lines
// costs one pass and no memory.

export interface MetricSample {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** Samples of one name; series of labels beyond it are left out. */
const samplesMax = 256;
const labelsMax = 64;

/** The samples of each of `names` that the text has. Lines that are no samples are passed over. */
export function readMetrics(
  text: string,
  names: ReadonlySet<string>,
): ReadonlyMap<string, readonly MetricSample[]> {
  const found = new Map<string, MetricSample[]>();
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    readLine(text.slice(start, end), names, found);
    start = end + 1;
  }
  return found;
}

function readLine(
  line: string,
  names: ReadonlySet<string>,
  found: Map<string, MetricSample[]>,
): void {
  const name = /^[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)/.exec(line);
  if (name === null || name[1] === undefined || !names.has(name[1])) return;
  let rest = line.slice(name[0].length).trimStart();
  let labels: ReadonlyMap<string, string> = new Map();
  if (rest.startsWith("{")) {
    const read = readLabels(rest);
    if (read === null) return;
    labels = read.labels;
    rest = rest.slice(read.end).trimStart();
  }
  const value = readValue(/^\S+/.exec(rest)?.[0] ?? "");
  if (value === null) return;
  const samples = found.get(name[1]) ?? [];
  if (samples.length < samplesMax) samples.push({ labels, value });
  found.set(name[1], samples);
}

/** `{a="b",c="d"}` at the start of `text`; null when it is not well-formed. */
function readLabels(
  text: string,
): { readonly labels: ReadonlyMap<string, string>; readonly end: number } | null {
  const labels = new Map<string, string>();
  const pair = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,?)/y;
  const close = /[ \t]*\}/y;
  let index = 1;
  for (;;) {
    close.lastIndex = index;
    if (close.test(text)) return { labels, end: close.lastIndex };
    pair.lastIndex = index;
    const match = pair.exec(text);
    if (match === null || labels.size >= labelsMax) return null;
    labels.set(match[1] ?? "", unescaped(match[2] ?? ""));
    index = pair.lastIndex;
    if (match[3] !== ",") {
      close.lastIndex = index;
      return close.test(text) ? { labels, end: close.lastIndex } : null;
    }
  }
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) =>
    character === "n" ? "\n" : character,
  );
}

function readValue(text: string): number | null {
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  if (text === "NaN") return Number.NaN;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : null;
}
