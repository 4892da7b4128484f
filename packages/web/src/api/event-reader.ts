// Server-sent events out of text that arrives in arbitrary pieces. A pure machine: text in, events
// out; an event that grows beyond its bound ends the stream.

export interface ServerEvent {
  /** Its name; "message" when it has none. */
  readonly name: string;
  readonly data: string;
}

/** Longest line, and longest data of one event, in UTF-16 units. */
export const eventCharsMax: number = 4 << 20;

export class EventReader {
  readonly #onEvent: (event: ServerEvent) => void;
  /** The unfinished line, in pieces. */
  #line: string[] = [];
  #lineChars = 0;
  #name = "";
  #data: string[] = [];
  #dataChars = 0;
  /** The last piece ended with \r: a \n at the next one's start belongs to it. */
  #endsWithReturn = false;

  constructor(onEvent: (event: ServerEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Takes the next piece. Throws RangeError when an event is too large. */
  push(piece: string): void {
    let from = 0;
    if (this.#endsWithReturn && piece.startsWith("\n")) from = 1;
    if (piece !== "") this.#endsWithReturn = piece.endsWith("\r");
    const ending = /\r\n|\r|\n/g;
    ending.lastIndex = from;
    for (let match = ending.exec(piece); match !== null; match = ending.exec(piece)) {
      this.#grow(piece.slice(from, match.index));
      from = ending.lastIndex;
      this.#endLine();
    }
    this.#grow(piece.slice(from));
  }

  #grow(text: string): void {
    if (text === "") return;
    this.#lineChars += text.length;
    if (this.#lineChars > eventCharsMax) throw new RangeError("A line of the stream is too long.");
    this.#line.push(text);
  }

  #endLine(): void {
    const line = this.#line.join("");
    this.#line = [];
    this.#lineChars = 0;
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    if (field !== "data") return;
    this.#dataChars += value.length;
    if (this.#dataChars > eventCharsMax) throw new RangeError("An event is too long.");
    this.#data.push(value);
  }

  #dispatch(): void {
    const event = { name: this.#name || "message", data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#name = "";
    this.#data = [];
    this.#dataChars = 0;
    if (!isEmpty) this.#onEvent(event);
  }
}
