// A turn's life in the store. Begun: the response's row is there, open, and its conversation is
// busy with it. Committed: response, items, tokens and idempotency key change in one transaction,
// so there is never half a turn. Whose owner died in between is told as incomplete.

import { itemsText, parseItems } from "../packed.ts";
import type { PackedTurnBegin, PackedTurnCommit, Place } from "../packed.ts";
import { isAlive, query } from "../program.ts";
import type { Program, ProgramContext } from "../program.ts";
import type { ChangeOutcome, FinalStatus } from "../records.ts";
import { corruptStore } from "../table.ts";
import { conversationTable, responseTable } from "../tables.ts";
import type { ConversationRow, ResponseRow } from "../tables.ts";
import { conversationOf } from "./conversation-record.ts";
import { addItems, refuseKnownItems, usedTwice, withoutItems } from "./conversations.ts";
import { finishClaim } from "./idempotency.ts";
import { joinTokens, putTokens } from "./token-lists.ts";

const finalStatuses: readonly FinalStatus[] = ["completed", "incomplete", "failed", "cancelled"];
/** Turns of dead owners that one program ends. */
const interruptBatch = 256;
const interruptedDetails = JSON.stringify({ reason: "interrupted" });

/** Namespaces of token lists: responses and chat turns share the table. */
export function responseTokensId(responseId: string): string {
  return `r:${responseId}`;
}

export function* beginTurn(
  input: PackedTurnBegin,
  { owner }: ProgramContext,
): Program<ChangeOutcome> {
  const { tenant } = input;
  let conversation: ConversationRow | null = null;
  if (input.conversation !== null) {
    const entered = yield* enterConversation(input, owner);
    if ("outcome" in entered) return entered;
    conversation = entered;
  }
  const isNew = yield* responseTable.insertNew({
    tenant,
    id: input.id,
    created: input.createdUnixSeconds,
    ended: null,
    status: input.status,
    conversation: conversation?.id ?? null,
    previous: input.previousResponseId,
    parameters: input.parameters,
    input_items: itemsText(input.inputItems),
    output_items: "[]",
    usage: null,
    error: null,
    incomplete_details: null,
    notes: null,
    is_history: 0,
    prompt_tokens: null,
    answer_tokens: null,
    owner,
  });
  if (!isNew) throw usedTwice("response", input.id);
  if (!conversation) return { outcome: "done", conversation: null };
  const busy = { ...conversation, busy_response: input.id };
  yield* conversationTable.update(busy);
  return { outcome: "done", conversation: conversationOf(busy) };
}

export function* startTurn({ tenant, id }: Place): Program<ChangeOutcome> {
  const open = yield* findOpen(tenant, id);
  if ("outcome" in open) return open;
  yield* responseTable.update({ ...open.response, status: "in_progress" });
  return { outcome: "done", conversation: null };
}

export function* commitTurn(input: PackedTurnCommit): Program<ChangeOutcome> {
  const { tenant, tokens } = input;
  const open = yield* findOpen(tenant, input.id);
  if ("outcome" in open) return open;
  const { response, conversation } = open;
  if (tokens) {
    const parent = response.previous ?? conversation?.last_response ?? null;
    yield* putTokens(tenant, {
      id: responseTokensId(response.id),
      parentId: parent === null ? null : responseTokensId(parent),
      tokens: joinTokens(tokens),
    });
  }
  yield* responseTable.update(endedRow(response, input));
  if (input.idempotency) {
    yield* finishClaim(tenant, { ...input.idempotency, responseId: response.id });
  }
  if (!conversation) return { outcome: "done", conversation: null };
  const left = yield* leaveConversation(conversation, response, input);
  return { outcome: "done", conversation: conversationOf(left) };
}

/** Ends turns whose owner is dead, at most a batch; returns how many there were. */
export function* interruptTurns(
  input: { readonly nowUnixSeconds: number },
  { owner }: ProgramContext,
): Program<number> {
  const owners = yield* query(
    "SELECT DISTINCT owner FROM responses WHERE owner IS NOT NULL AND owner <> ?",
    [owner],
  );
  let count = 0;
  for (const each of owners) {
    const other = Number(each["owner"]);
    if (yield* isAlive(other)) continue;
    const rows = yield* responseTable.select("WHERE owner = ? LIMIT ?", [
      other,
      interruptBatch - count,
    ]);
    for (const row of rows) yield* interrupt(row, input.nowUnixSeconds);
    count += rows.length;
    if (count >= interruptBatch) break;
  }
  return count;
}

function* enterConversation(
  input: PackedTurnBegin,
  owner: number,
): Program<ConversationRow | ChangeOutcome> {
  const { tenant, conversation, createdUnixSeconds } = input;
  const row = yield* conversationTable.findToChange(tenant, conversation?.id ?? "");
  if (!row) return { outcome: "missing", what: "conversation" };
  if (row.busy_response !== null) {
    const other = yield* responseTable.find(tenant, row.busy_response);
    if (!other) throw corruptStore("A conversation is busy with a response that is not there.");
    const isDead = other.owner !== null && other.owner !== owner && !(yield* isAlive(other.owner));
    if (!isDead) return { outcome: "busy", responseId: row.busy_response };
    yield* interrupt(other, createdUnixSeconds);
  }
  if (row.version !== conversation?.version) return { outcome: "stale", version: row.version };
  yield* refuseKnownItems(tenant, row.id, input.inputItems);
  return { ...row, busy_response: null };
}

interface OpenTurn {
  readonly response: ResponseRow;
  readonly conversation: ConversationRow | null;
}

/** Locks the conversation before the response, as everybody does, so that nobody waits in a ring. */
function* findOpen(tenant: string, id: string): Program<OpenTurn | ChangeOutcome> {
  const found = yield* responseTable.find(tenant, id);
  const conversation =
    found === null || found.conversation === null
      ? null
      : yield* conversationTable.findToChange(tenant, found.conversation);
  const response = yield* responseTable.findToChange(tenant, id);
  if (!response) return { outcome: "missing", what: "response" };
  const status = finalStatuses.find((each) => each === response.status);
  if (status) return { outcome: "ended", status };
  if (response.conversation !== null && conversation?.busy_response !== id) {
    throw corruptStore("A conversation does not know of the turn in progress on it.");
  }
  return { response, conversation };
}

function* leaveConversation(
  conversation: ConversationRow,
  row: ResponseRow,
  input: PackedTurnCommit,
): Program<ConversationRow> {
  if (input.isHistory) {
    const items = [...parseItems(row.input_items), ...input.outputItems];
    const changes = { busy_response: null, last_response: row.id };
    const kept = yield* withoutItems(conversation, input.replacesItemIds);
    return yield* addItems(kept, { items, nowUnixSeconds: input.endedUnixSeconds }, changes);
  }
  const left = { ...conversation, busy_response: null };
  yield* conversationTable.update(left);
  return left;
}

function* interrupt(row: ResponseRow, nowUnixSeconds: number): Program<void> {
  const open = yield* findOpen(row.tenant, row.id);
  if ("outcome" in open) return;
  yield* responseTable.update({
    ...open.response,
    status: "incomplete",
    ended: nowUnixSeconds,
    incomplete_details: interruptedDetails,
    owner: null,
  });
  if (!open.conversation) return;
  yield* conversationTable.update({ ...open.conversation, busy_response: null });
}

function endedRow(row: ResponseRow, input: PackedTurnCommit): ResponseRow {
  return {
    ...row,
    status: input.status,
    ended: input.endedUnixSeconds,
    output_items: itemsText(input.outputItems),
    usage: input.usage,
    error: input.error,
    incomplete_details: input.incompleteDetails,
    notes: input.notes,
    is_history: input.isHistory ? 1 : 0,
    prompt_tokens: input.tokens?.promptTokens.length ?? null,
    answer_tokens: input.tokens?.answerTokens.length ?? null,
    owner: null,
  };
}
