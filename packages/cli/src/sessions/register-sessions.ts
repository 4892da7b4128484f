// The verbs about a running server's stored conversations: ls, show, rm, export, import.

import { writeFile } from "node:fs/promises";

import { LociError, systemClock } from "@loci/core";
import { readBounded } from "@loci/host/read-bounded";
import type { Command } from "commander";

import { addServerOptions, serverOf } from "../api/server-address.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { formatConversation, parseConversations } from "./conversation-file.ts";
import { formatConversationText, formatSessions } from "./format-sessions.ts";
import { SessionsClient } from "./sessions-client.ts";

const fileBytesMax = 256 * 1024 * 1024;
const limitDefault = 20;
/** Listed, or exported at once. */
const sessionsMax = 10_000;

/** What a verb came to: for programs, and for people. */
interface Result {
  readonly json: object;
  readonly text: string;
}

type Verb = (sessions: SessionsClient, command: Command) => Promise<Result>;

/** Adds `sessions` with its own verbs. */
export function registerSessions(program: Command, output: Output, handle: ActionHandler): void {
  const sessions = program
    .command("sessions")
    .description("A running server's stored conversations.");
  const add = (usage: string, description: string, verb: Verb): Command => {
    const command = sessions.command(usage).description(description);
    command.action(handle(async (given) => runVerb(given, output, verb)));
    return addServerOptions(command);
  };
  add("ls", "List stored conversations, the most recently changed first.", list(output))
    .option("--limit <integer>", `at most so many (default: ${limitDefault})`)
    .option("--query <text>", "those with this text in their title or messages");
  add("show <id>", "Print a conversation's messages.", show(output));
  add("rm <ids...>", "Delete conversations.", remove);
  add("export [ids...]", "Write stored conversations as JSON, one in each line.", exportThem)
    .option("--all", "all that are stored")
    .option("--out <path>", "to this file instead of standard output");
  add(
    "import <files...>",
    "Store conversations that were exported, here or by the page.",
    importThem,
  );
}

async function runVerb(command: Command, output: Output, verb: Verb): Promise<number> {
  const { json, text } = await verb(new SessionsClient(await serverOf(command)), command);
  output.out(command.opts()["json"] === true ? `${JSON.stringify(json)}\n` : text);
  return exitCodes.ok;
}

function list(output: Output): Verb {
  return async (sessions, command) => {
    const listed = await sessions.list(limitOf(command), textOption(command, "query"));
    const text = formatSessions(listed, systemClock.unixSeconds(), output.columns ?? null);
    return { json: { sessions: listed.heads, hasMore: listed.hasMore }, text };
  };
}

function show(output: Output): Verb {
  return async (sessions, command) => {
    const conversation = await sessions.read(command.args[0] ?? "");
    return { json: conversation, text: formatConversationText(conversation, output) };
  };
}

const remove: Verb = async (sessions, command) => {
  const removed: string[] = [];
  for (const id of command.args) {
    await sessions.remove(id);
    removed.push(id);
  }
  return { json: { removed }, text: removed.map((id) => `Deleted ${id}\n`).join("") };
};

const exportThem: Verb = async (sessions, command) => {
  const all = command.opts()["all"] === true;
  if (all === command.args.length > 0) {
    throw new LociError("config_invalid", "Name conversations or give --all, one of the two.");
  }
  const ids = all
    ? (await sessions.list(sessionsMax, null)).heads.map(({ id }) => id)
    : command.args;
  const lines: string[] = [];
  for (const id of ids) lines.push(formatConversation(await sessions.read(id)));
  const path = textOption(command, "out");
  // For programs, too, the lines are the result.
  if (path === null && command.opts()["json"] !== true) return { json: {}, text: lines.join("") };
  if (path === null) return { json: lines.map((line): unknown => JSON.parse(line)), text: "" };
  await writeFile(path, lines.join(""), { mode: 0o600 });
  const exported = lines.length;
  return { json: { exported, path }, text: `${exported} written to ${path}\n` };
};

const importThem: Verb = async (sessions, command) => {
  const imported: { id: string; title: string }[] = [];
  // All files are checked before anything is stored.
  const files = [];
  for (const path of command.args) {
    files.push(parseConversations(await readBounded("The file", path, fileBytesMax)));
  }
  for (const conversation of files.flat()) {
    imported.push({ id: await sessions.create(conversation), title: conversation.title });
  }
  return { json: { imported }, text: imported.map(({ id }) => `Stored ${id}\n`).join("") };
};

function limitOf(command: Command): number {
  const text = textOption(command, "limit") ?? `${limitDefault}`;
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= sessionsMax) return Number(text);
  throw new LociError(
    "config_invalid",
    `--limit is "${text}", but must be from 1 to ${sessionsMax}.`,
  );
}

function textOption(command: Command, name: string): string | null {
  const value: unknown = command.opts()[name];
  return typeof value === "string" ? value : null;
}
