// The machine that all formats share: content until a mark, then objects with gaps around them.
// A format only says what may stand in a gap. Text since the last certain point is kept raw, so
// that what turns out to be no call is read again as content, character for character.

import { defined } from "@loci/core";
import { CallObject } from "./call-object.ts";
import { DeltaSink, type ToolCallParser, type ToolDelta } from "./tool-call-parser.ts";

/** What the text of a gap, so far, means. `object`: its last character opens an object. */
export type GapVerdict = "more" | "object" | "closed" | "invalid";

export interface CallSyntax {
  /** Leads from content to calls. */
  readonly mark: string;
  /** The whole answer may begin with a call that has no mark. */
  readonly callAtStart: boolean;
  /** Between the mark and the first object. */
  beforeCalls(gap: string): GapVerdict;
  /** After an object; `opening` is the gap that stood before the first one. */
  afterCall(gap: string, opening: string): GapVerdict;
}

type State = "content" | "before" | "object" | "after";

const gapCharsMax = 256;
/** White space before a mark that is dropped with it, at most. */
const spaceCharsMax = 64;

export class CallMachine implements ToolCallParser {
  readonly #syntax: CallSyntax;
  readonly #names: ReadonlySet<string>;
  readonly #sink = new DeltaSink();
  #state: State;
  #input = "";
  /** Content that may still belong to a mark. */
  #held = "";
  /** White space and mark that opened the calls; empty once one of them was complete. */
  #opener = "";
  /** All text since the opener or the last complete object. */
  #raw = "";
  #opening = "";
  #call: CallObject | null = null;
  #anyCall = false;
  #contentSinceCall = false;

  constructor(syntax: CallSyntax, names: ReadonlySet<string>) {
    this.#syntax = syntax;
    this.#names = names;
    this.#state = syntax.callAtStart ? "before" : "content";
  }

  push(text: string): readonly ToolDelta[] {
    this.#input = text;
    while (this.#input !== "") {
      if (this.#state === "content") this.#readContent();
      else if (this.#state === "object") this.#readObject();
      else this.#readGap();
    }
    return this.#sink.take();
  }

  end(): readonly ToolDelta[] {
    if (this.#state === "content") {
      const dropped = this.#anyCall && !this.#contentSinceCall && this.#held.trim() === "";
      if (!dropped) this.#sink.content(this.#held);
    } else if (this.#state === "before" || (this.#call !== null && !this.#call.begun)) {
      this.#sink.content(this.#opener + this.#raw);
    }
    return this.#sink.take();
  }

  #readContent(): void {
    const text = this.#held + this.#input;
    const at = text.indexOf(this.#syntax.mark);
    const end = at === -1 ? text.length - partialMark(text, this.#syntax.mark) : at;
    const start = end - trailingSpace(text, end);
    this.#content(text.slice(0, start));
    if (at === -1) {
      this.#held = text.slice(start);
      this.#input = "";
      return;
    }
    const markEnd = at + this.#syntax.mark.length;
    this.#held = "";
    this.#opener = text.slice(start, markEnd);
    this.#raw = "";
    this.#state = "before";
    this.#input = text.slice(markEnd);
  }

  #readGap(): void {
    const { raw, at } = this.#scanGap();
    this.#raw = raw;
    this.#input = this.#input.slice(at);
  }

  #scanGap(): { readonly raw: string; readonly at: number } {
    let gap = this.#raw;
    for (let at = 0; at < this.#input.length; at++) {
      gap += this.#input.charAt(at);
      switch (this.#verdict(gap)) {
        case "more":
          continue;
        case "object":
          if (this.#state === "before") this.#opening = gap;
          this.#state = "object";
          this.#call = new CallObject(this.#names, this.#sink);
          this.#call.push(this.#input.charAt(at));
          return { raw: gap, at: at + 1 };
        case "closed":
          this.#state = "content";
          return { raw: "", at: at + 1 };
        case "invalid":
          this.#giveUp();
          this.#input = gap + this.#input.slice(at + 1);
          return { raw: "", at: 0 };
      }
    }
    return { raw: gap, at: this.#input.length };
  }

  #verdict(gap: string): GapVerdict {
    if (gap.length > gapCharsMax) return "invalid";
    if (this.#state === "before") return this.#syntax.beforeCalls(gap);
    return this.#syntax.afterCall(gap, this.#opening);
  }

  #readObject(): void {
    const call = defined(this.#call);
    const input = this.#input;
    for (let at = 0; at < input.length; at++) {
      const state = call.push(input.charAt(at));
      if (state === "open") continue;
      if (state === "complete") this.#completeCall();
      const raw = state === "complete" ? "" : this.#raw + input.slice(0, at);
      this.#input = input.slice(state === "complete" ? at + 1 : at);
      if (state === "invalid") this.#abandonCall(call, raw);
      return;
    }
    // Kept only while it may have to be read again.
    if (!call.begun) this.#raw += input;
    this.#input = "";
  }

  #completeCall(): void {
    this.#state = "after";
    this.#raw = "";
    this.#opener = "";
    this.#call = null;
    this.#anyCall = true;
    this.#contentSinceCall = false;
  }

  #abandonCall(call: CallObject, raw: string): void {
    this.#call = null;
    if (call.begun) {
      this.#anyCall = true;
      this.#opener = "";
      this.#state = "content";
    } else {
      this.#giveUp();
      this.#input = raw + this.#input;
    }
    this.#raw = "";
  }

  /** What was taken for calls is content: its mark now, the rest by being read again. */
  #giveUp(): void {
    // A mark is not looked for again at the same place, so reading again makes progress.
    this.#content(this.#opener);
    this.#opener = "";
    this.#state = "content";
  }

  #content(text: string): void {
    if (text !== "") this.#contentSinceCall = true;
    this.#sink.content(text);
  }
}

/** Length of the longest end of `text` that is a proper beginning of `mark`. */
function partialMark(text: string, mark: string): number {
  const most = Math.min(text.length, mark.length - 1);
  for (let length = most; length > 0; length--) {
    if (mark.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}

function trailingSpace(text: string, end: number): number {
  let start = end;
  while (start > 0 && end - start < spaceCharsMax && /\s/.test(text.charAt(start - 1))) start--;
  return end - start;
}
