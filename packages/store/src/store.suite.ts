// What every store must do, tested through its interfaces alone. One database for all tests; each
// test has tenants of its own.

import { defined } from "@loci/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Store } from "./store.ts";
import { conversationCases } from "./suite/conversation.suite.ts";
import { erasureCases } from "./suite/erasure.suite.ts";
import { keyCases } from "./suite/key.suite.ts";
import type { StoreBench, StoreFixture } from "./suite/store-fixture.ts";
import { listCases } from "./suite/list.suite.ts";
import { tokenCases } from "./suite/token.suite.ts";
import { turnCases } from "./suite/turn.suite.ts";

export type { StoreFixture } from "./suite/store-fixture.ts";

/** Registers the tests. */
export function storeConformance(name: string, make: () => Promise<StoreFixture>): void {
  describe(`${name} as a Store`, () => {
    let fixture: StoreFixture;
    let store: Store | null = null;
    let tenants = 0;
    beforeAll(async () => {
      fixture = await make();
      store = await fixture.open();
    });
    afterAll(async () => {
      await store?.close();
      await fixture.dispose();
    });
    const bench: StoreBench = {
      get store() {
        return defined(store, "the store is open");
      },
      tenant: () => `tenant ${tenants++}`,
      reopen: async () => {
        await store?.close();
        store = await fixture.open();
      },
    };
    describe("conversations", () => {
      conversationCases(bench);
    });
    describe("the list", () => {
      listCases(bench);
    });
    describe("turns", () => {
      turnCases(bench);
    });
    describe("tokens", () => {
      tokenCases(bench);
    });
    describe("keys", () => {
      keyCases(bench);
    });
    describe("erasures", () => {
      erasureCases(bench);
    });

    it("is whole after all that, and refuses calls once closed", async () => {
      await bench.store.checkIntegrity();
      const closing = bench.store;
      await closing.close();
      await closing.close();
      const late = closing.conversations.read("tenant", "c");
      await expect(late).rejects.toMatchObject({ code: "storage_unavailable" });
      await bench.reopen();
    });
  });
}
