// The chat's state for the life of the page: the list, and the conversation that is open.

import { signal, type ReadonlySignal } from "@preact/signals";
import { browserClock } from "../browser-clock.ts";
import { replaceRoute } from "../routing/route.ts";
import { AnswerBook } from "./answer-book.ts";
import { ChatSession } from "./chat-session.ts";
import { ConversationList } from "./conversation-list.ts";
import { loadSettings } from "./chat-settings.ts";

export interface ChatState {
  readonly list: ConversationList;
  readonly session: ReadonlySignal<ChatSession>;
  /** Shows that conversation; null for a new one. */
  open(id: string | null): void;
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
  const newSession = (id: string | null): ChatSession => {
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
  const session = signal(newSession(null));
  void list.load();
  return {
    list,
    session,
    open: (id) => {
      if (session.peek().id === id) return;
      session.peek().close();
      session.value = newSession(id);
      void session.peek().open();
    },
  };
}
