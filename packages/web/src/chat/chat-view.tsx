// The chat: conversations beside the one that is open; on a narrow screen they are in a drawer.

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Dialog } from "../components/dialog.tsx";
import "./chat.css";
import { chatState } from "./chat-state.ts";
import { ConversationPane } from "./conversation-pane.tsx";
import { ConversationSidebar } from "./conversation-sidebar.tsx";

interface ChatViewProps {
  /** Null for a new conversation. */
  readonly conversationId: string | null;
}

const narrow = matchMedia("(max-width: 52rem)");
const isNarrow = signal(narrow.matches);
narrow.addEventListener("change", ({ matches }) => {
  isNarrow.value = matches;
});

export function ChatView({ conversationId }: ChatViewProps): JSX.Element {
  const state = chatState();
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  useEffect(() => {
    state.open(conversationId);
    setDrawerOpen(false);
  }, [state, conversationId]);
  const session = state.session.value;
  const isDrawer = isNarrow.value;
  return (
    <div class="chat">
      {!isDrawer && (
        <aside class="chat-side" aria-label="Conversations">
          <ConversationSidebar state={state} openId={conversationId} />
        </aside>
      )}
      {isDrawer && isDrawerOpen && (
        <Dialog title="Conversations" kind="drawer" onClose={() => setDrawerOpen(false)}>
          <ConversationSidebar
            state={state}
            openId={conversationId}
            onChosen={() => setDrawerOpen(false)}
          />
        </Dialog>
      )}
      <ConversationPane
        key={session}
        session={session}
        list={state.list}
        onOpenList={isDrawer ? () => setDrawerOpen(true) : null}
      />
    </div>
  );
}
