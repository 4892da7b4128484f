// Stored conversations as lines for people.

import type { Output } from "../output.ts";
import { paint } from "../output.ts";
import { oneLine, printable } from "../terminal/safe-text.ts";
import { textTable } from "../terminal/text-table.ts";
import { formatAgo } from "../terminal/units.ts";
import type { ConversationFile } from "./conversation-file.ts";
import type { ListedSessions } from "./sessions-client.ts";

/** A table, the newest change first. `unixSeconds` is now. */
export function formatSessions(
  { heads, hasMore }: ListedSessions,
  unixSeconds: number,
  columns: number | null,
): string {
  if (heads.length === 0) return "No conversations are stored.\n";
  const rows = heads.map(({ id, title, updatedUnixSeconds, items }) => [
    id,
    formatAgo(Math.max(0, unixSeconds - updatedUnixSeconds)),
    items === null ? "-" : `${items}`,
    title,
  ]);
  const table = textTable(["ID", "CHANGED", "ITEMS", "TITLE"], rows, columns);
  return hasMore ? `${table}There are more; --limit shows them.\n` : table;
}

/** The messages one below the other, each under its role. */
export function formatConversationText(
  { title, messages }: ConversationFile,
  output: Pick<Output, "coloured">,
): string {
  const parts = messages.map(({ role, texts }) => {
    const text = texts.map((each) => printable(each).trimEnd()).join("\n");
    return `${paint(output, "dim", `${role}:`)}\n${text}\n`;
  });
  return `${paint(output, "bold", oneLine(title))}\n\n${parts.join("\n")}`;
}
