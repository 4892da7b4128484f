// The W3C header that names a span in another process: version, trace, span, flags.

export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Bit 0: whoever began the trace records it. */
  readonly flags: number;
}

const pattern = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
/** Later versions may append fields; a longer header is nobody's. */
const headerCharsMax = 256;
const onlyZeros = /^0+$/;

/** Null for a header that the specification calls invalid. */
export function parseTraceParent(header: string): TraceParent | null {
  const match = header.length > headerCharsMax ? null : pattern.exec(header);
  if (match === null) return null;
  const [, version = "", traceId = "", spanId = "", flags = "", rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (onlyZeros.test(traceId) || onlyZeros.test(spanId)) return null;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

export function formatTraceParent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}
