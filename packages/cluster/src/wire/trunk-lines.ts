// The lines of a trunk: one connection that carries all answers of a worker to one router. There each
// answer goes by a number that the router gave it, its tag.
//
//   router ─▶ worker   one order a line: ask; room for so many more lines; end
//   worker ─▶ router   one parcel a line: [tag, line, tag, line, …], all that came at a time; an empty
//                      line is a sign of life
//
// A line of an answer is what it would be on a connection of its own; see generation-lines.ts. Tokens
// of many answers come in one step of an engine: they are written, read and parsed together.

import { bodyBounds } from "./generation-body.ts";
import { answerLineBytesMax } from "./generation-lines.ts";
import { Fields } from "./fields.ts";
import { WireError } from "./wire-error.ts";

/** What the connection is upgraded to. */
export const trunkProtocol = "loci-trunk";
export const trunkPath = "/worker/trunk";

/** Lines of one answer that may be under way before its reader says that there is room for more. */
export const trunkWindow = 256;
/** A parcel that is so long is sent as it is; what comes then is in the next. */
export const parcelChars: number = 64 * 1024;
/** The longest line by itself, in a parcel that was not yet full. */
export const parcelBytesMax: number = 4 * parcelChars + answerLineBytesMax;
/** A request, and the order around it. */
export const orderBytesMax: number = bodyBounds.bodyBytesMax + 1024;

export type TrunkOrder =
  | { readonly kind: "ask"; readonly tag: number; readonly body: unknown }
  | { readonly kind: "room"; readonly tag: number; readonly lines: number }
  | { readonly kind: "end"; readonly tag: number };

/** `body`: as of POST /worker/generate. */
export function encodeAsk(tag: number, body: string): string {
  return `{"ask":${tag},"body":${body}}\n`;
}

export function encodeRoom(tag: number, lines: number): string {
  return `{"room":${tag},"lines":${lines}}\n`;
}

export function encodeEnd(tag: number): string {
  return `{"end":${tag}}\n`;
}

/** Throws WireError. What the body says is for whoever reads it. */
export function decodeOrder(value: unknown): TrunkOrder {
  const fields = new Fields(value);
  if (fields.has("ask")) {
    return { kind: "ask", tag: fields.integer("ask"), body: fields.plain("body") };
  }
  if (fields.has("room")) {
    const lines = fields.integer("lines", 1, trunkWindow);
    return { kind: "room", tag: fields.integer("room"), lines };
  }
  return { kind: "end", tag: fields.integer("end") };
}

/** A line of an answer as a parcel has it. */
export function encodeParcelled(tag: number, line: string): string {
  return `${tag},${line}`;
}

export function encodeParcel(parcelled: readonly string[]): string {
  return `[${parcelled.join(",")}]\n`;
}

/** Hands over what a parcel has, in its order. Throws WireError where it is none. */
export function unpack(parcel: unknown, take: (tag: number, line: unknown) => void): void {
  if (!Array.isArray(parcel) || parcel.length % 2 !== 0) throw new WireError("this is no parcel");
  const parts: readonly unknown[] = parcel;
  for (let index = 0; index < parts.length; index += 2) {
    const tag = parts[index];
    if (typeof tag !== "number") throw new WireError("a tag is a number");
    take(tag, parts[index + 1]);
  }
}
