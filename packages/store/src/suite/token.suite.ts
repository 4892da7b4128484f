// Exact token ids: kept as differences, always read back whole.

import { Random } from "@loci/core";
import { expect, it } from "vitest";

import type { TurnTokens } from "../records.ts";
import { countUp, startSeconds, turnBegin, turnCommit, turnTokens } from "./samples.ts";
import type { StoreBench } from "./store-fixture.ts";

/** One turn after `previous`, with these tokens. */
async function addTurn(
  bench: StoreBench,
  tenant: string,
  turn: { id: string; previous: string | null; tokens: TurnTokens },
): Promise<void> {
  const { turns } = bench.store;
  await turns.begin(tenant, turnBegin(turn.id, { previousResponseId: turn.previous }));
  const done = await turns.commit(tenant, turnCommit(turn.id, { tokens: turn.tokens }));
  expect(done).toMatchObject({ outcome: "done" });
}

export function tokenCases(bench: StoreBench): void {
  it("reads every turn of a long conversation, beyond the longest run of differences", async () => {
    const tenant = bench.tenant();
    let all: readonly number[] = [];
    const expected = new Map<string, TurnTokens>();
    for (let turn = 0; turn < 140; turn++) {
      const id = `r${turn}`;
      const tokens = turnTokens([...all, ...countUp(turn * 10, 7)], countUp(turn * 3, 4));
      await addTurn(bench, tenant, { id, previous: turn === 0 ? null : `r${turn - 1}`, tokens });
      expected.set(id, tokens);
      all = [...tokens.promptTokens, ...tokens.answerTokens];
    }
    await bench.reopen();
    for (const [id, tokens] of expected) {
      expect(await bench.store.responses.readTokens(tenant, id)).toEqual(tokens);
    }
  });

  it("reads tokens that leave the history, are shorter than it, or empty", async () => {
    const tenant = bench.tenant();
    const lists: readonly (readonly number[])[] = [
      countUp(0, 50),
      [...countUp(0, 20), ...countUp(900, 9)],
      countUp(0, 20),
      [],
      [7],
      [0, 2 ** 31 - 1, 127, 128, 16_383, 16_384],
    ];
    for (const [index, list] of lists.entries()) {
      const previous = index === 0 ? null : `r${index - 1}`;
      await addTurn(bench, tenant, { id: `r${index}`, previous, tokens: turnTokens(list, [5]) });
    }
    for (const [index, list] of lists.entries()) {
      const read = await bench.store.responses.readTokens(tenant, `r${index}`);
      expect(read).toEqual(turnTokens(list, [5]));
    }
    await bench.store.turns.begin(tenant, turnBegin("none"));
    await bench.store.turns.commit(tenant, turnCommit("none"));
    expect(await bench.store.responses.readTokens(tenant, "none")).toBeNull();
  });

  it("hands back the tokens of what is removed, and keeps those of what hangs on it", async () => {
    const tenant = bench.tenant();
    const { responses } = bench.store;
    const first = turnTokens(countUp(0, 10), countUp(50, 3));
    const firstAll = [...first.promptTokens, ...first.answerTokens];
    const second = turnTokens([...firstAll, 60, 61], [62]);
    const fork = turnTokens([...firstAll.slice(0, 5), 70], [71]);
    await addTurn(bench, tenant, { id: "a", previous: null, tokens: first });
    await addTurn(bench, tenant, { id: "b", previous: "a", tokens: second });
    await addTurn(bench, tenant, { id: "f", previous: "a", tokens: fork });
    const removal = await responses.remove(tenant, "a");
    // All of it begins a turn that stays.
    const whole = Int32Array.from(firstAll);
    const sharedTokens = whole.length;
    expect(removal?.tokenLists).toEqual([{ tokens: whole, sharedTokens, notes: null }]);
    expect(await responses.readTokens(tenant, "b")).toEqual(second);
    expect(await responses.readTokens(tenant, "f")).toEqual(fork);
    await bench.store.checkIntegrity();
  });

  it("hands back each list once when a conversation is removed", async () => {
    const tenant = bench.tenant();
    const { conversations, turns } = bench.store;
    const created = { id: "c", createdUnixSeconds: startSeconds, metadata: {}, items: [] };
    await conversations.create(tenant, created);
    const lists = [countUp(0, 4), countUp(0, 9), [...countUp(0, 3), 99, 98]];
    for (const [version, list] of lists.entries()) {
      const id = `r${version}`;
      await turns.begin(tenant, turnBegin(id, { conversation: { id: "c", version } }));
      await turns.commit(tenant, turnCommit(id, { tokens: turnTokens(list, []) }));
    }
    const removal = await conversations.remove(tenant, "c");
    expect(removal?.responseIds.toSorted()).toEqual(["r0", "r1", "r2"]);
    const handed = removal?.tokenLists.map(({ tokens }) => tokens) ?? [];
    const longestFirst = handed.toSorted((a, b) => b.length - a.length);
    expect(longestFirst).toEqual([lists[1], lists[2]].map((list) => Int32Array.from(list ?? [])));
    expect(removal?.tokenLists.map(({ sharedTokens }) => sharedTokens)).toEqual([0, 0]);
  });

  it("tells how far a removed list begins one that stays, over removed ones between", async () => {
    const tenant = bench.tenant();
    const { responses } = bench.store;
    const turnsOf: readonly (readonly [string, string | null, readonly number[]])[] = [
      ["a", null, countUp(0, 6)],
      ["b", "a", countUp(0, 9)],
      ["c", "b", [...countUp(0, 8), 98, 97]],
      ["d", "b", [...countUp(0, 7), 96]],
    ];
    for (const [id, previous, list] of turnsOf) {
      await addTurn(bench, tenant, { id, previous, tokens: turnTokens(list, []) });
    }
    const sharedOf = async (id: string): Promise<number | undefined> =>
      (await responses.remove(tenant, id))?.tokenLists[0]?.sharedTokens;
    // With its parent, then with its child that goes furthest, then with its parent again.
    expect(await sharedOf("d")).toBe(7);
    expect(await sharedOf("b")).toBe(8);
    expect(await sharedOf("a")).toBe(0);
    expect(await sharedOf("c")).toBe(0);
  });

  it("lists of turns with other notes are handed back even if they only begin another", async () => {
    const tenant = bench.tenant();
    const { conversations, turns } = bench.store;
    const created = { id: "c", createdUnixSeconds: startSeconds, metadata: {}, items: [] };
    await conversations.create(tenant, created);
    for (const version of [0, 1, 2]) {
      const id = `r${version}`;
      const notes = version === 0 ? { place: "p" } : null;
      const tokens = turnTokens(countUp(0, 3 + version), []);
      await turns.begin(tenant, turnBegin(id, { conversation: { id: "c", version } }));
      await turns.commit(tenant, turnCommit(id, { tokens, notes }));
    }
    const removal = await conversations.remove(tenant, "c");
    const handed = removal?.tokenLists.map(({ tokens, notes }) => [tokens.length, notes]) ?? [];
    expect(handed).toHaveLength(2);
    expect(handed).toContainEqual([3, { place: "p" }]);
    expect(handed).toContainEqual([5, null]);
  });

  it("keeps every list through random turns and removals", async () => {
    const tenant = bench.tenant();
    const random = new Random(11);
    const model = new Map<string, TurnTokens>();
    const exaggerated: string[] = [];
    for (let step = 0; step < 120; step++) {
      const ids = [...model.keys()];
      const previous = ids[random.integer(0, ids.length)] ?? null;
      if (previous !== null && random.next() < 0.3) {
        const removal = await bench.store.responses.remove(tenant, previous);
        model.delete(previous);
        for (const { tokens, sharedTokens } of removal?.tokenLists ?? []) {
          if (sharedTokens > sharedMost(tokens, model)) exaggerated.push(previous);
        }
        continue;
      }
      const known = previous === null ? null : model.get(previous);
      const history = known ? [...known.promptTokens, ...known.answerTokens] : [];
      const prompt = history.slice(0, random.integer(0, history.length + 3));
      const added = countUp(random.integer(0, 3), random.integer(0, 5));
      const tokens = turnTokens([...prompt, ...added], countUp(random.integer(0, 9), 2));
      await addTurn(bench, tenant, { id: `r${step}`, previous, tokens });
      model.set(`r${step}`, tokens);
    }
    // More than is true, and something deleted would not be erased.
    expect(exaggerated).toEqual([]);
    for (const [id, tokens] of model) {
      expect(await bench.store.responses.readTokens(tenant, id)).toEqual(tokens);
    }
    await bench.store.checkIntegrity();
  });
}

/** Tokens that `tokens` has in common with the beginning of one of the turns, at most. */
function sharedMost(tokens: Int32Array, turns: ReadonlyMap<string, TurnTokens>): number {
  let most = 0;
  for (const { promptTokens, answerTokens } of turns.values()) {
    const whole = [...promptTokens, ...answerTokens];
    const differs = tokens.findIndex((token, index) => token !== whole[index]);
    most = Math.max(most, differs === -1 ? tokens.length : differs);
  }
  return most;
}
