// Tool calls are found in the text while it is being generated. Whatever the format, the outcome
// is one sequence of deltas that depends on the text alone and not on how it was cut into pieces.
// Text that turns out to be no call is delivered as content; only the format's own marks and the
// white space next to them are dropped.

export type ToolDelta =
  | { readonly type: "content"; readonly text: string }
  /** Call `index` begins; its arguments follow. */
  | { readonly type: "call"; readonly index: number; readonly name: string }
  /** The next piece of the JSON text of call `index`'s arguments. */
  | { readonly type: "arguments"; readonly index: number; readonly text: string };

export interface ToolCallParser {
  push(text: string): readonly ToolDelta[];
  /** The text is over: what was held back. */
  end(): readonly ToolDelta[];
}

/** Collects deltas and joins neighbours of one kind. */
export class DeltaSink {
  #deltas: ToolDelta[] = [];
  #calls = 0;

  content(text: string): void {
    if (text === "") return;
    const last = this.#deltas.at(-1);
    const joined = last?.type === "content" ? last.text + text : text;
    if (last?.type === "content") this.#deltas.pop();
    this.#deltas.push({ type: "content", text: joined });
  }

  /** Begins the next call. */
  call(name: string): void {
    this.#deltas.push({ type: "call", index: this.#calls++, name });
  }

  /** More of the arguments of the call begun last. */
  arguments(text: string): void {
    if (text === "") return;
    const last = this.#deltas.at(-1);
    const joined = last?.type === "arguments" ? last.text + text : text;
    if (last?.type === "arguments") this.#deltas.pop();
    this.#deltas.push({ type: "arguments", index: this.#calls - 1, text: joined });
  }

  take(): readonly ToolDelta[] {
    const deltas = this.#deltas;
    this.#deltas = [];
    return deltas;
  }
}
