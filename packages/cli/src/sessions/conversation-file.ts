// Conversations as files, in the form that the web page writes and reads: JSON with the messages in
// their order. A file of several has one in each line. Anybody may have written it: every field is
// checked.

import { LociError } from "@loci/core";

import { listMember, member, parseJson, textMember } from "../api/json-value.ts";

export interface ConversationFile {
  readonly format: "loci-conversation";
  readonly version: 1;
  readonly title: string;
  readonly messages: readonly FileMessage[];
}

export interface FileMessage {
  readonly role: MessageRole;
  /** Its parts; one for most messages. */
  readonly texts: readonly string[];
}

export type MessageRole = "user" | "assistant" | "system" | "developer";

const roles: readonly MessageRole[] = ["user", "assistant", "system", "developer"];
const messagesMax = 5_000;
const partsMax = 32;
const conversationsMax = 10_000;
/** As long as the server keeps texts of metadata short. */
const titleCharsMax = 120;

/** All conversations of a file's text. LociError invalid_request says what is wrong with which. */
export function parseConversations(text: string): readonly ConversationFile[] {
  const whole = parseJson(text);
  if (whole !== null) return [parseConversation(whole, 1)];
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > conversationsMax) {
    throw broken(`It holds more than ${conversationsMax} conversations.`);
  }
  if (lines.length === 0) throw broken("It is empty.");
  return lines.map((line, index) => parseConversation(parseJson(line), index + 1));
}

/** One line. */
export function formatConversation(conversation: ConversationFile): string {
  return `${JSON.stringify(conversation)}\n`;
}

export function isMessageRole(text: string | null): text is MessageRole {
  return roles.some((role) => role === text);
}

function parseConversation(value: unknown, number: number): ConversationFile {
  if (textMember(value, "format") !== "loci-conversation") {
    throw broken(`Conversation ${number} is none.`);
  }
  if (member(value, "version") !== 1) throw broken("It was written by a newer version.");
  const messages = listMember(value, "messages");
  if (!Array.isArray(member(value, "messages")) || messages.length > messagesMax) {
    throw broken(`Conversation ${number} has no messages, or too many.`);
  }
  const title = textMember(value, "title") || "Imported";
  return {
    format: "loci-conversation",
    version: 1,
    title: title.slice(0, titleCharsMax),
    messages: messages.map((message, index) => {
      const parsed = parseMessage(message);
      if (parsed !== null) return parsed;
      throw broken(`Message ${index + 1} of conversation ${number} is broken.`);
    }),
  };
}

/** Null for what is no message. */
function parseMessage(value: unknown): FileMessage | null {
  const role = textMember(value, "role");
  const given = listMember(value, "texts");
  const texts = given.filter((text) => typeof text === "string");
  const isWhole = texts.length === given.length && texts.length > 0 && texts.length <= partsMax;
  return isMessageRole(role) && isWhole ? { role, texts } : null;
}

function broken(reason: string): LociError {
  return new LociError("invalid_request", `The file cannot be imported. ${reason}`, {
    remedy: "Give one that loci sessions export or the page wrote.",
  });
}
