// The store's interfaces over whatever runs programs. Inputs are checked and packed here, results
// unpacked; the transactions themselves are in programs/.

import { LociError, systemClock } from "@loci/core";
import type { Clock, ErasureLog } from "@loci/core";

import { queryWords } from "./head-text.ts";
import { chatKeysMax, conversationPageMax, itemPageMax, queryCharsMax } from "./limits.ts";
import {
  checkedDeleted,
  checkedId,
  checkedKeys,
  checkedReply,
  checkedSeconds,
  checkedTokens,
  packBranch,
  packConversation,
  packItems,
  packMetadata,
  packTurnBegin,
  packTurnCommit,
  place,
  unpackItems,
  unpackResponse,
} from "./pack-records.ts";
import type { Place } from "./packed.ts";
import type { ProgramRunner } from "./program-list.ts";
import type { PackedListQuery } from "./programs/conversation-heads.ts";
import type { ScanCursor } from "./programs/maintenance.ts";
import { QuotaGuard } from "./quota-guard.ts";
import type { ConversationPageQuery, ItemPageQuery } from "./records.ts";
import type {
  ChatTurnStore,
  ConversationStore,
  IdempotencyStore,
  ItemStore,
  PurgeCounts,
  PurgeCutoffs,
  ResponseStore,
  Store,
  TurnStore,
} from "./store.ts";

/** Chat turns of a tenant that this process remembers between two looks at the tenant's bound. */
const evictEvery = 64;
/** Tenants whose turns are counted; beyond it all are forgotten and looked at anew. */
const countedTenantsMax = 4_096;

export class ProgramStore implements Store {
  readonly conversations: ConversationStore;
  readonly items: ItemStore;
  readonly turns: TurnStore;
  readonly responses: ResponseStore;
  readonly chatTurns: ChatTurnStore;
  readonly idempotency: IdempotencyStore;
  readonly erasures: ErasureLog;
  readonly #runner: ProgramRunner;

  constructor(runner: ProgramRunner, clock: Clock = systemClock) {
    const quota = new QuotaGuard(async (of) => await runner.run("countRows", of));
    this.#runner = runner;
    this.conversations = conversationsOn(runner, quota);
    this.items = itemsOn(runner, clock);
    this.turns = turnsOn(runner, quota);
    this.responses = responsesOn(runner);
    this.chatTurns = chatTurnsOn(runner);
    this.idempotency = idempotencyOn(runner, quota);
    this.erasures = erasuresOn(runner, clock);
  }

  async purge(cutoffs: PurgeCutoffs): Promise<PurgeCounts> {
    const nowUnixSeconds = checkedSeconds(cutoffs.nowUnixSeconds);
    const before = cutoffs.responsesBeforeUnixSeconds;
    const interruptedTurns = await this.#runner.run("interruptTurns", { nowUnixSeconds });
    const idempotencyKeys = await this.#runner.run("purgeKeys", { nowUnixSeconds });
    const lostWorkers = await this.#runner.run("purgeErasers", { nowUnixSeconds });
    const counts = { interruptedTurns, idempotencyKeys, lostWorkers };
    if (before === null) return { ...counts, responses: 0, removals: [] };
    const beforeUnixSeconds = checkedSeconds(before);
    const { count, removals } = await this.#runner.run("purgeResponses", { beforeUnixSeconds });
    return { ...counts, responses: count, removals };
  }

  async checkIntegrity(): Promise<void> {
    await this.#runner.checkStructure();
    let cursor: ScanCursor | null = { table: 0, after: null };
    while (cursor !== null) cursor = await this.#runner.run("scanRows", cursor);
    await this.#runner.run("checkReferences", undefined);
  }

  async close(): Promise<void> {
    await this.#runner.close();
  }
}

function conversationsOn(runner: ProgramRunner, quota: QuotaGuard): ConversationStore {
  return {
    create: async (tenant, conversation) => {
      const packed = packConversation(tenant, conversation);
      await quota.admit(tenant, "conversations");
      return await runner.run("createConversation", packed);
    },
    read: async (tenant, id) => await runner.run("readConversation", place(tenant, id)),
    readListed: async (tenant, id) => await runner.run("readListed", place(tenant, id)),
    list: async (tenant, query) =>
      await runner.run("listConversations", packListQuery(tenant, query)),
    branch: async (tenant, branch) => {
      const packed = packBranch(tenant, branch);
      await quota.admit(tenant, "conversations");
      return await runner.run("branchConversation", packed);
    },
    readHistory: async (tenant, id) => {
      const history = await runner.run("readHistory", place(tenant, id));
      return history && { ...history.conversation, items: unpackItems(history.items) };
    },
    updateMetadata: async (tenant, id, metadata) =>
      await runner.run("updateMetadata", {
        ...place(tenant, id),
        metadata: packMetadata(metadata),
      }),
    remove: async (tenant, id) => await runner.run("removeConversation", place(tenant, id)),
  };
}

function itemsOn(runner: ProgramRunner, clock: Clock): ItemStore {
  return {
    append: async (tenant, id, items) =>
      await runner.run("appendItems", {
        ...place(tenant, id),
        items: packItems(items),
        nowUnixSeconds: clock.unixSeconds(),
      }),
    list: async (tenant, id, query) => {
      const input = { ...place(tenant, id), query: checkedQuery(query) };
      const page = await runner.run("listItems", input);
      return page && { items: unpackItems(page.items), hasMore: page.hasMore };
    },
    read: async (tenant, id, itemId) => {
      const item = await runner.run("readItem", itemPlace(tenant, id, itemId));
      return item && (unpackItems([item])[0] ?? null);
    },
    remove: async (tenant, id, itemId) =>
      await runner.run("removeItem", {
        ...itemPlace(tenant, id, itemId),
        nowUnixSeconds: clock.unixSeconds(),
      }),
  };
}

function turnsOn(runner: ProgramRunner, quota: QuotaGuard): TurnStore {
  return {
    begin: async (tenant, turn) => {
      const packed = packTurnBegin(tenant, turn);
      await quota.admit(tenant, "responses");
      return await runner.run("beginTurn", packed);
    },
    start: async (tenant, id) => await runner.run("startTurn", place(tenant, id)),
    commit: async (tenant, turn) => await runner.run("commitTurn", packTurnCommit(tenant, turn)),
  };
}

function responsesOn(runner: ProgramRunner): ResponseStore {
  return {
    read: async (tenant, id) => {
      const row = await runner.run("readResponse", place(tenant, id));
      return row && unpackResponse(row);
    },
    readChain: async (tenant, id) => {
      const chain = await runner.run("readChain", place(tenant, id));
      return chain && { ...chain, responses: chain.responses.map(unpackResponse) };
    },
    readTokens: async (tenant, id) => await runner.run("readResponseTokens", place(tenant, id)),
    remove: async (tenant, id) => await runner.run("removeResponse", place(tenant, id)),
  };
}

function chatTurnsOn(runner: ProgramRunner): ChatTurnStore {
  /** Of each tenant on its own: turns that come in a regular order would leave some out. */
  const untilEviction = new Map<string, number>();
  return {
    remember: async (tenant, turn) => {
      const checked = {
        key: checkedId(turn.key, "key"),
        parentKey: turn.parentKey === null ? null : checkedId(turn.parentKey, "key"),
        createdUnixSeconds: checkedSeconds(turn.createdUnixSeconds),
        tokens: checkedTokens(turn.tokens),
      };
      await runner.run("rememberChatTurn", { tenant: checkedId(tenant, "tenant"), turn: checked });
      const left = (untilEviction.get(tenant) ?? 1) - 1;
      if (untilEviction.size >= countedTenantsMax) untilEviction.clear();
      untilEviction.set(tenant, left > 0 ? left : evictEvery);
      if (left > 0) return;
      await runner.run("evictChatTurns", { tenant });
    },
    find: async (tenant, keys) =>
      await runner.run("findChatTurn", {
        tenant: checkedId(tenant, "tenant"),
        keys: checkedKeys(keys, chatKeysMax),
      }),
    forget: async (tenant, keys) =>
      await runner.run("forgetChatTurns", {
        tenant: checkedId(tenant, "tenant"),
        keys: checkedKeys(keys, chatKeysMax),
      }),
  };
}

function idempotencyOn(runner: ProgramRunner, quota: QuotaGuard): IdempotencyStore {
  return {
    claim: async (tenant, request) => {
      const input = {
        ...keyPlace(tenant, request.key),
        requestDigest: checkedId(request.requestDigest, "digest"),
        createdUnixSeconds: checkedSeconds(request.createdUnixSeconds),
      };
      await quota.admit(tenant, "idempotency");
      return await runner.run("claimKey", input);
    },
    finish: async (tenant, key, reply, responseId = null) =>
      await runner.run("finishKey", {
        ...keyPlace(tenant, key),
        reply: checkedReply(reply),
        responseId: responseId === null ? null : checkedId(responseId, "response id"),
      }),
    release: async (tenant, key) => await runner.run("releaseKey", keyPlace(tenant, key)),
  };
}

function erasuresOn(runner: ProgramRunner, clock: Clock): ErasureLog {
  return {
    meet: async (workerIds) =>
      await runner.run("meetErasers", {
        workers: workerIds.map(checkedWorker),
        nowUnixSeconds: clock.unixSeconds(),
      }),
    add: async (tenant, deleted) =>
      await runner.run("addErasure", {
        tenant: checkedId(tenant, "tenant"),
        deleted: deleted === null ? null : checkedDeleted(deleted),
      }),
    owed: async (workerId) => await runner.run("owedErasures", checkedWorker(workerId)),
    done: async (workerId, through) =>
      await runner.run("erasuresDone", {
        worker: checkedWorker(workerId),
        through,
        nowUnixSeconds: clock.unixSeconds(),
      }),
    workers: async () => await runner.run("listErasers", undefined),
  };
}

function checkedQuery({ after, limit, order }: ItemPageQuery): ItemPageQuery {
  requireLimit(limit, itemPageMax);
  return { after: after === null ? null : checkedId(after, "item id"), limit, order };
}

function packListQuery(tenant: string, asked: ConversationPageQuery): PackedListQuery {
  const { after, limit, order, query } = asked;
  requireLimit(limit, conversationPageMax);
  if (query !== null && query.length > queryCharsMax) {
    throw new LociError("invalid_request", `A query has at most ${queryCharsMax} characters.`, {
      param: "query",
    });
  }
  return {
    tenant: checkedId(tenant, "tenant"),
    after: after === null ? null : checkedId(after, "conversation id"),
    limit,
    order,
    words: query === null ? [] : queryWords(query),
  };
}

function requireLimit(limit: number, limitMax: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= limitMax) return;
  throw new LociError("invalid_request", `The limit must be from 1 to ${limitMax}.`, {
    param: "limit",
  });
}

function itemPlace(
  tenant: string,
  id: string,
  itemId: string,
): Place & { readonly itemId: string } {
  return { ...place(tenant, id), itemId: checkedId(itemId, "item id") };
}

function checkedWorker(id: string): string {
  return checkedId(id, "worker id");
}

function keyPlace(tenant: string, key: string): { readonly tenant: string; readonly key: string } {
  return { tenant: checkedId(tenant, "tenant"), key: checkedId(key, "Idempotency-Key") };
}
