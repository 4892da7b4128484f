// The API key that this browser sends, when the server asks for one.

import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { readStored, writeStored } from "../page-storage.ts";

const stored = signal<string | null>(readStored("key"));

/** Null as long as none was given. */
export const apiKey: ReadonlySignal<string | null> = stored;

/** The server refused the key, or missed one: the page asks for it. */
export const keyWanted: Signal<boolean> = signal(false);

/** From now on it is sent; null forgets it. Remembered only when asked to. */
export function setApiKey(key: string | null, options: { readonly isKept: boolean }): void {
  stored.value = key;
  writeStored("key", options.isKept ? key : null);
  keyWanted.value = false;
}
