// Where the page is, kept in the address after "#": every view and every conversation has a link.

import { signal, type ReadonlySignal } from "@preact/signals";

export type ViewName = "chat" | "memory" | "scheduling" | "cluster" | "explain";

export interface Route {
  readonly view: ViewName;
  /** A conversation in chat, a request in explain; null for none. */
  readonly id: string | null;
}

const viewNames: readonly ViewName[] = ["chat", "memory", "scheduling", "cluster", "explain"];
const idPattern = /^[\w.:-]{1,200}$/;

/** The route that an address names; anything unknown is the chat. */
export function parseHash(hash: string): Route {
  const [name = "", id = ""] = hash.replace(/^#\/?/, "").split("/", 2);
  const view = viewNames.find((one) => one === name) ?? "chat";
  const takesId = view === "chat" || view === "explain";
  return { view, id: takesId && idPattern.test(id) ? id : null };
}

/** The link to a route. */
export function hrefOf({ view, id = null }: { view: ViewName; id?: string | null }): string {
  return id === null ? `#/${view}` : `#/${view}/${id}`;
}

const current = signal<Route>(parseHash(""));

/** The route now. */
export const route: ReadonlySignal<Route> = current;

const lastChat = signal<string | null>(null);

/** The conversation that was open last; null for a new one. */
export const lastChatId: ReadonlySignal<string | null> = lastChat;

/** Goes there, as a click on its link would. */
export function navigate(target: Route): void {
  location.hash = hrefOf(target);
  follow();
}

/** Goes there without a step in the history. */
export function replaceRoute(target: Route): void {
  history.replaceState(null, "", hrefOf(target));
  follow();
}

/** Follows the address from now on. */
export function startRouting(): void {
  addEventListener("hashchange", follow);
  follow();
}

function follow(): void {
  const next = parseHash(location.hash);
  const { view, id } = current.peek();
  if (next.view === "chat") lastChat.value = next.id;
  if (next.view !== view || next.id !== id) current.value = next;
}
