// Reads what a stream said, for tests.

export interface SseData {
  readonly chunks: readonly unknown[];
  /** Whether `[DONE]` came last. */
  readonly done: boolean;
}

/** The JSON of every `data:` line. Throws when a line is none and no comment. */
export function sseData(text: string): SseData {
  const events = text.split("\n\n").filter((event) => event !== "" && !event.startsWith(":"));
  const data = events.map((event) => {
    if (!event.startsWith("data: ")) throw new Error(`not an event: ${event}`);
    return event.slice(6);
  });
  const done = data.at(-1) === "[DONE]";
  const chunks = (done ? data.slice(0, -1) : data).map((line) => JSON.parse(line) as unknown);
  return { chunks, done };
}

export interface NamedEvent {
  readonly name: string;
  readonly data: unknown;
}

/** Events that carry their names, in order. Comments are left out. */
export function namedEvents(text: string): readonly NamedEvent[] {
  const events = text.split("\n\n").filter((event) => event !== "" && !event.startsWith(":"));
  return events.map((event) => {
    const match = /^event: (\S+)\ndata: (.*)$/.exec(event);
    if (match === null) throw new Error(`not a named event: ${event}`);
    return { name: match[1] ?? "", data: JSON.parse(match[2] ?? "") };
  });
}
