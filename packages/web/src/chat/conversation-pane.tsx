// The open conversation: its head, its turns, and where one writes.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ErrorNotice } from "../components/error-notice.tsx";
import { Composer } from "./composer.tsx";
import { ConversationHead } from "./conversation-head.tsx";
import type { OpenChat } from "./open-chat.ts";
import type { ConversationList } from "./conversation-list.ts";
import { SettingsDialog } from "./settings-dialog.tsx";
import { TurnList } from "./turn-list.tsx";

interface PaneProps {
  readonly session: OpenChat;
  readonly list: ConversationList;
  /** Null where the list is beside it. */
  readonly onOpenList: (() => void) | null;
}

export function ConversationPane({ session, list, onOpenList }: PaneProps): JSX.Element {
  const [isSettingsOpen, setSettingsOpen] = useState(false);
  useEffect(() => {
    const stopOnEscape = (event: KeyboardEvent): void => {
      const isFree = document.querySelector("dialog[open]") === null;
      if (event.key === "Escape" && isFree && session.answer.peek() !== null) void session.stop();
    };
    document.addEventListener("keydown", stopOnEscape);
    return () => document.removeEventListener("keydown", stopOnEscape);
  }, [session]);
  const load = session.loadState.value;
  const failure = session.failure.value;
  return (
    <section class="pane" aria-label="Conversation">
      <ConversationHead
        session={session}
        list={list}
        onOpenList={onOpenList}
        onOpenSettings={() => setSettingsOpen(true)}
      />
      {load.kind === "failed" ? (
        <div class="pane-body">
          <ErrorNotice error={load.error} onRetry={() => void session.open()} />
        </div>
      ) : (
        <TurnList session={session} />
      )}
      <div class="pane-foot">
        {failure !== null && (
          <ErrorNotice error={failure} onDismiss={() => session.dismissFailure()} />
        )}
        <Composer session={session} isEnabled={load.kind === "ready"} />
      </div>
      {isSettingsOpen && <SettingsDialog onClose={() => setSettingsOpen(false)} />}
    </section>
  );
}
