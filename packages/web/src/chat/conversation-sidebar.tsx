// The conversations: a new one, a search, and the list, of which only what can be seen is there.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Conversation } from "../api/conversations-api.ts";
import { toApiError, type ApiError } from "../api/api-error.ts";
import { browserClock } from "../browser-clock.ts";
import { ErrorNotice } from "../components/error-notice.tsx";
import { FileButton } from "../components/file-button.tsx";
import { Icon } from "../components/icon.tsx";
import { WindowedList } from "../components/windowed-list.tsx";
import { formatAgo } from "../format.ts";
import { hrefOf, navigate } from "../routing/route.ts";
import type { ChatState } from "./chat-state.ts";
import type { ConversationList } from "./conversation-list.ts";
import { importConversation } from "./conversation-file.ts";
import { titleOf } from "./conversation-title.ts";

interface SidebarProps {
  readonly state: ChatState;
  readonly openId: string | null;
  readonly onChosen?: () => void;
}

const rowPixels = 52;
const queryCharsMax = 200;
const typingPauseMs = 250;

export function ConversationSidebar({ state, openId, onChosen }: SidebarProps): JSX.Element {
  const isKept = state.isKept.value !== false;
  return (
    <div class="side">
      <a
        class="button button-primary"
        href={hrefOf({ view: "chat" })}
        onClick={() => {
          state.startNew();
          onChosen?.();
        }}
      >
        <Icon name="plus" />
        New chat
      </a>
      {isKept ? (
        <KeptConversations list={state.list} openId={openId} onChosen={onChosen} />
      ) : (
        <p class="side-empty soft">
          This server keeps no conversations: what is said here is gone when the page is left.
        </p>
      )}
    </div>
  );
}

interface KeptProps {
  readonly list: ConversationList;
  readonly openId: string | null;
  readonly onChosen: (() => void) | undefined;
}

function KeptConversations({ list, openId, onChosen }: KeptProps): JSX.Element {
  const [importError, setImportError] = useState<ApiError | null>(null);
  const { rows, hasMore, isLoading, error } = list.state.value;
  const importFile = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    try {
      setImportError(null);
      const { id } = await importConversation(file);
      void list.refresh();
      navigate({ view: "chat", id });
    } catch (thrown) {
      setImportError(toApiError(thrown));
    }
  };
  return (
    <>
      <div class="side-tools">
        <SearchField list={list} />
        <FileButton
          label="Import a conversation"
          icon="upload"
          accept="application/json,.json"
          isMultiple={false}
          onFiles={([file]) => void importFile(file)}
        />
      </div>
      {importError !== null && (
        <ErrorNotice error={importError} onDismiss={() => setImportError(null)} />
      )}
      {error !== null && <ErrorNotice error={error} onRetry={() => void list.load()} />}
      <WindowedList
        label="Conversations"
        rows={rows}
        keyOf={({ id }) => id}
        rowPixels={rowPixels}
        onNearEnd={hasMore ? () => void list.loadMore() : null}
        renderRow={(row) => <RowLink row={row} isOpen={row.id === openId} onChosen={onChosen} />}
      />
      {rows.length === 0 && error === null && (
        <p class="side-empty soft">{emptyWords(isLoading, list.query.value)}</p>
      )}
    </>
  );
}

function emptyWords(isLoading: boolean, query: string): string {
  if (isLoading) return "Loading…";
  return query === "" ? "No conversations yet." : "Nothing was found.";
}

/** Asks when typing pauses. */
function SearchField({ list }: { readonly list: ConversationList }): JSX.Element {
  const [text, setText] = useState(list.query.peek());
  useEffect(() => {
    return browserClock.after(typingPauseMs, () => void list.search(text.trim()));
  }, [text, list]);
  return (
    <label class="side-search">
      <span class="visually-hidden">Search conversations</span>
      <Icon name="search" />
      <input
        class="input"
        type="search"
        placeholder="Search"
        maxLength={queryCharsMax}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

interface RowProps {
  readonly row: Conversation;
  readonly isOpen: boolean;
  readonly onChosen: (() => void) | undefined;
}

function RowLink({ row, isOpen, onChosen }: RowProps): JSX.Element {
  const changed = row.updated_at ?? row.created_at;
  return (
    <a
      class="side-row"
      href={hrefOf({ view: "chat", id: row.id })}
      aria-current={isOpen ? "page" : undefined}
      onClick={onChosen}
    >
      <span class="side-title">{titleOf(row)}</span>
      <span class="side-time">{formatAgo(browserClock.unixMs() / 1000 - changed)}</span>
    </a>
  );
}
