// What the conformance tests need: one database, opened as often as a test wants, one store at a time.

import type { Store } from "../store.ts";

export interface StoreFixture {
  /** Opens the database; what an earlier store of this fixture wrote is there. */
  open(): Promise<Store>;
  dispose(): Promise<void>;
}

/** The store of the running test, and what a test may do to it. */
export interface StoreBench {
  /** The open store. */
  readonly store: Store;
  /** A tenant that no other test has. */
  tenant(): string;
  /** Closes the store and opens it again. */
  reopen(): Promise<void>;
}
