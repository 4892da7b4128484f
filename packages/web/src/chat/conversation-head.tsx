// The head of a conversation: its name and what can be done with all of it.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { toApiError, type ApiError } from "../api/api-error.ts";
import { removeConversation, updateMetadata, type Conversation } from "../api/conversations-api.ts";
import { ErrorNotice } from "../components/error-notice.tsx";
import { Icon, type IconName } from "../components/icon.tsx";
import { navigate } from "../routing/route.ts";
import { fileNameOf, saveFile } from "../save-file.ts";
import { exportConversation } from "./conversation-file.ts";
import type { OpenChat } from "./open-chat.ts";
import type { ConversationList } from "./conversation-list.ts";
import { titleFrom } from "./conversation-title.ts";
import { DeleteDialog } from "./delete-dialog.tsx";
import { RenameDialog } from "./rename-dialog.tsx";

interface HeadProps {
  readonly session: OpenChat;
  readonly list: ConversationList;
  readonly onOpenList: (() => void) | null;
  readonly onOpenSettings: () => void;
}

type OpenDialog = "rename" | "delete" | null;

export function ConversationHead(props: HeadProps): JSX.Element {
  const { session, list, onOpenList, onOpenSettings } = props;
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const conversation = session.conversation.value;
  const title = titleFrom(conversation, session.turns.value[0]?.text ?? "");
  const close = (): void => setDialog(null);
  const saveExport = async (): Promise<void> => {
    if (conversation === null) return;
    try {
      const file = await exportConversation(conversation);
      saveFile(`${fileNameOf(file.title)}.json`, JSON.stringify(file, null, 2), "application/json");
    } catch (thrown) {
      setError(toApiError(thrown));
    }
  };
  const rename = async (name: string): Promise<void> => {
    if (conversation === null) return;
    const metadata = { ...conversation.metadata, title: name };
    session.setConversation(await updateMetadata(conversation.id, metadata));
    void list.refresh();
    close();
  };
  const remove = async (): Promise<void> => {
    if (conversation === null) return;
    await removeConversation(conversation.id);
    list.remove(conversation.id);
    navigate({ view: "chat", id: null });
  };
  return (
    <>
      <div class="pane-head">
        {onOpenList !== null && (
          <HeadButton icon="menu" label="Conversations" onClick={onOpenList} />
        )}
        <h1 class="pane-title">{title}</h1>
        <HeadTools
          conversation={conversation}
          onRename={() => setDialog("rename")}
          onExport={() => void saveExport()}
          onDelete={() => setDialog("delete")}
        />
        <HeadButton icon="settings" label="Chat settings" onClick={onOpenSettings} />
      </div>
      {error !== null && <ErrorNotice error={error} onDismiss={() => setError(null)} />}
      {dialog === "rename" && <RenameDialog title={title} onRename={rename} onClose={close} />}
      {dialog === "delete" && <DeleteDialog title={title} onDelete={remove} onClose={close} />}
    </>
  );
}

interface ToolsProps {
  readonly conversation: Conversation | null;
  readonly onRename: () => void;
  readonly onExport: () => void;
  readonly onDelete: () => void;
}

function HeadTools({ conversation, ...acts }: ToolsProps): JSX.Element | null {
  if (conversation === null) return null;
  return (
    <>
      <HeadButton icon="edit" label="Rename" onClick={acts.onRename} />
      <HeadButton icon="download" label="Export" onClick={acts.onExport} />
      <HeadButton icon="trash" label="Delete" onClick={acts.onDelete} />
    </>
  );
}

interface HeadButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
}

function HeadButton({ icon, label, onClick }: HeadButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class="button button-quiet button-icon"
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
