// The chat's state for the life of the page: the list, and the conversation that is open.

import { effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import { apiKey } from "../api/api-key.ts";
import { browserClock } from "../browser-clock.ts";
import { replaceRoute } from "../routing/route.ts";
import { AnswerBook } from "./answer-book.ts";
import { ChatSession } from "./chat-session.ts";
import { loadSettings } from "./chat-settings.ts";
import { ConversationList, type ListState } from "./conversation-list.ts";
import type { OpenChat } from "./open-chat.ts";
import { PassingChat } from "./passing-chat.ts";

export interface ChatState {
  readonly list: ConversationList;
  readonly session: ReadonlySignal<OpenChat>;
  /** Null as long as it is not known. */
  readonly isKept: ReadonlySignal<boolean | null>;
  /** Shows that conversation; null for a new one. */
  open(id: string | null): void;
  /** A new one, also where none has an id. */
  startNew(): void;
}

let state: ChatState | null = null;

/** The same from the first call on. */
export function chatState(): ChatState {
  state ??= createChatState();
  return state;
}

function createChatState(): ChatState {
  loadSettings();
  const book = new AnswerBook();
  const list = new ConversationList();
  const isKept = signal<boolean | null>(null);
  const keptChat = (id: string | null): ChatSession => {
    const created = new ChatSession(id, {
      clock: browserClock,
      book,
      onCreated: (conversation) => {
        if (session.peek() === created) replaceRoute({ view: "chat", id: conversation.id });
      },
      onChanged: () => void list.refresh(),
    });
    return created;
  };
  const newChat = (id: string | null): OpenChat =>
    isKept.peek() === false ? new PassingChat(browserClock) : keptChat(id);
  const session = signal<OpenChat>(newChat(null));
  const show = (id: string | null): void => {
    session.peek().close();
    session.value = newChat(id);
    void session.peek().open();
  };
  effect(() => {
    // With another key the server may show other conversations, or any at all.
    void apiKey.value;
    untracked(() => {
      void list.load();
      if (session.peek().loadState.peek().kind === "failed") void session.peek().open();
    });
  });
  effect(() => {
    const known = isKeptBy(list.state.value);
    if (known === null || known === isKept.peek()) return;
    isKept.value = known;
    const { turns, answer } = session.peek();
    const isFresh = turns.peek().length === 0 && answer.peek() === null;
    if (!known && isFresh) show(null);
  });
  return {
    list,
    session,
    isKept,
    open: (id) => {
      if (session.peek().id !== id) show(id);
    },
    startNew: () => show(null),
  };
}

/** Servers without a store have no list; null as long as nothing was answered. */
function isKeptBy({ isLoading, error }: ListState): boolean | null {
  if (isLoading) return null;
  return error === null || ![404, 501].includes(error.status);
}
