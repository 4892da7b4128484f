// What a list shows and finds of a conversation: its title, and the beginning of what is said in it.

import type { JsonObject, JsonValue } from "./json.ts";
import { searchCharsMax, titleCharsMax } from "./limits.ts";

export interface HeadText {
  readonly title: string;
  /** Lower case; see `isFull`. */
  readonly search: string;
}

/** The title that the metadata give, or none. */
export function namedTitle(metadata: JsonObject): string {
  const { title } = metadata;
  return typeof title === "string" ? cut(plain(title).trim(), titleCharsMax) : "";
}

/** A conversation's text without any item. */
export function emptyHead(metadata: JsonObject): HeadText {
  const title = namedTitle(metadata);
  return { title, search: cut(title.toLowerCase(), searchCharsMax) };
}

/** With further items at its end. */
export function grownHead(head: HeadText, items: readonly JsonObject[]): HeadText {
  let { title, search } = head;
  for (const item of items) {
    const text = plain(messageText(item));
    if (title === "" && item["role"] === "user") {
      title = cut(text.replaceAll(/\s+/g, " ").trim(), titleCharsMax);
    }
    if (text === "" || isFull(search)) continue;
    const joined = search === "" ? text.toLowerCase() : `${search}\n${text.toLowerCase()}`;
    search = cut(joined, searchCharsMax);
  }
  return { title, search };
}

/** Further text would not be found. */
export function isFull(search: string): boolean {
  return search.length >= searchCharsMax - 1;
}

/** The words of a query, as they are looked for. */
export function queryWords(query: string): readonly string[] {
  const words = plain(query)
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return words.slice(0, queryWordsMax);
}

const queryWordsMax = 8;

/** All text of a message; "" of any other item. */
function messageText(item: JsonObject): string {
  if (item["type"] !== "message") return "";
  const content = item["content"];
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map(partText).join("\n") : "";
}

function partText(part: JsonValue): string {
  if (typeof part !== "object" || part === null || Array.isArray(part)) return "";
  // An array is no object, but its type cannot say so.
  const text: unknown = Reflect.get(part, "text");
  return typeof text === "string" ? text : "";
}

/** Text that every database keeps as it is. */
function plain(text: string): string {
  return text.replaceAll("\0", " ").toWellFormed();
}

/** Never half a character. */
function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const end = text.codePointAt(charsMax - 1) ?? 0;
  return text.slice(0, end > 0xff_ff ? charsMax - 1 : charsMax);
}
