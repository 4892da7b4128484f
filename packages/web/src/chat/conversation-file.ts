// Conversations as files: JSON with the messages in their order. What is read is checked field by
// field, since anybody may have written it.

import {
  appendItems,
  createConversation,
  listItems,
  removeConversation,
  type Conversation,
  type ConversationItem,
  type NewMessage,
} from "../api/conversations-api.ts";
import { ApiError } from "../api/api-error.ts";
import { partsOf } from "./turn.ts";
import { titleCharsMax, titleOf } from "./conversation-title.ts";

export interface ConversationFile {
  readonly format: "loci-conversation";
  readonly version: 1;
  readonly title: string;
  readonly messages: readonly FileMessage[];
}

export interface FileMessage {
  readonly role: NewMessage["role"];
  /** Its parts; one for most messages. */
  readonly texts: readonly string[];
}

export const fileLimits: Readonly<Record<"bytesMax" | "messagesMax" | "partsMax", number>> = {
  bytesMax: 8 << 20,
  messagesMax: 5000,
  partsMax: 32,
};
/** As many as the server takes at once. */
const itemsPerCall = 20;
const itemsPerPage = 100;
const roles: readonly NewMessage["role"][] = ["user", "assistant", "system", "developer"];

/** Reads all of a conversation. Tool calls are left out: they mean nothing elsewhere. */
export async function exportConversation(conversation: Conversation): Promise<ConversationFile> {
  const items: ConversationItem[] = [];
  let after: string | null = null;
  while (items.length < fileLimits["messagesMax"]) {
    const query = { after, limit: itemsPerPage, order: "asc" } as const;
    const page = await listItems(conversation.id, query);
    items.push(...page.data);
    if (!page.has_more) break;
    after = page.last_id;
  }
  const messages = items.flatMap((item) => {
    const role = roles.find((one) => one === item.role);
    if (item.type !== "message" || role === undefined) return [];
    return [{ role, texts: partsOf(item.content) }];
  });
  return { format: "loci-conversation", version: 1, title: titleOf(conversation), messages };
}

/** A new conversation with the file's messages. Throws ApiError when it is no such file. */
export async function importConversation(file: File): Promise<Conversation> {
  if (file.size > fileLimits.bytesMax) throw badFile("It is larger than 8 MiB.");
  const { title, messages } = parseConversationFile(await file.text());
  const items = messages.map(newMessage);
  const created = await createConversation({ title }, items.slice(0, itemsPerCall));
  try {
    for (let from = itemsPerCall; from < items.length; from += itemsPerCall) {
      await appendItems(created.id, items.slice(from, from + itemsPerCall));
    }
  } catch (error) {
    // Half a conversation helps nobody. Why it failed is told, not that of tidying up.
    await removeConversation(created.id).catch(() => undefined);
    throw error;
  }
  return created;
}

/** The file's content. Throws ApiError that says what is wrong with it. */
export function parseConversationFile(text: string): ConversationFile {
  const file = fieldsOf(parsed(text));
  if (file?.get("format") !== "loci-conversation") throw badFile("It holds no conversation.");
  if (file.get("version") !== 1) throw badFile("It was written by a newer version.");
  const messages = file.get("messages");
  if (!Array.isArray(messages) || messages.length > fileLimits.messagesMax) {
    throw badFile("It has no messages, or too many.");
  }
  const title = file.get("title");
  return {
    format: "loci-conversation",
    version: 1,
    title: (typeof title === "string" && title !== "" ? title : "Imported").slice(0, titleCharsMax),
    messages: messages.map(readMessage),
  };
}

function readMessage(value: unknown, index: number): FileMessage {
  const fields = fieldsOf(value);
  const role = roles.find((one) => one === fields?.get("role"));
  const texts = fields?.get("texts");
  const isList = Array.isArray(texts) && texts.length > 0 && texts.length <= fileLimits.partsMax;
  if (role === undefined || !isList) throw badFile(`Message ${index + 1} is broken.`);
  return {
    role,
    texts: texts.map((text: unknown) => {
      if (typeof text !== "string") throw badFile(`Message ${index + 1} is broken.`);
      return text;
    }),
  };
}

function newMessage({ role, texts }: FileMessage): NewMessage {
  const type = role === "assistant" ? "output_text" : "input_text";
  return { type: "message", role, content: texts.map((text) => ({ type, text })) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badFile("It is not JSON.");
  }
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== "object" || value === null) return null;
  return new Map<string, unknown>(Object.entries(value));
}

function badFile(reason: string): ApiError {
  return new ApiError(`The file cannot be imported. ${reason}`, {
    kind: "refused",
    status: 0,
    code: "bad_file",
    remedy: "Choose a file that was exported here.",
  });
}
