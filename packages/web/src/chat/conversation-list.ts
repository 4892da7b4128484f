// The list of conversations: the newest pages of it, or of what a search finds.

import { signal, type ReadonlySignal } from "@preact/signals";
import { isAbort, toApiError, type ApiError } from "../api/api-error.ts";
import { listConversations, type Conversation, type Page } from "../api/conversations-api.ts";

export interface ListState {
  /** Most recently changed first. */
  readonly rows: readonly Conversation[];
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  readonly error: ApiError | null;
}

type Fetch = typeof listConversations;

const pageRows = 50;
/** Rows held at most; a search finds what lies beyond. */
const rowsMax = 10_000;
const emptyState: ListState = { rows: [], hasMore: false, isLoading: true, error: null };

export class ConversationList {
  readonly #fetch: Fetch;
  readonly #state = signal<ListState>(emptyState);
  readonly #query = signal("");
  #lastId: string | null = null;
  #abort = new AbortController();

  constructor(fetch: Fetch = listConversations) {
    this.#fetch = fetch;
  }

  get state(): ReadonlySignal<ListState> {
    return this.#state;
  }

  get query(): ReadonlySignal<string> {
    return this.#query;
  }

  /** Shows only what contains the words; empty for everything. */
  async search(query: string): Promise<void> {
    if (query === this.#query.peek()) return;
    this.#query.value = query;
    await this.load();
  }

  /** Reads the first page anew and forgets the others. */
  async load(): Promise<void> {
    await this.#read(null, (page) => {
      this.#lastId = page.last_id;
      return { rows: page.data, hasMore: page.has_more };
    });
  }

  async loadMore(): Promise<void> {
    const { rows, hasMore, isLoading } = this.#state.peek();
    if (!hasMore || isLoading) return;
    await this.#read(this.#lastId, (page) => {
      this.#lastId = page.last_id;
      const merged = withoutRepeats([...rows, ...page.data]).slice(0, rowsMax);
      return { rows: merged, hasMore: page.has_more && merged.length < rowsMax };
    });
  }

  /** Something changed: the first page anew, the rest as it was. */
  async refresh(): Promise<void> {
    await this.#read(null, (page) => {
      const { rows, hasMore } = this.#state.peek();
      if (rows.length <= page.data.length || !page.has_more) {
        this.#lastId = page.last_id;
        return { rows: page.data, hasMore: page.has_more };
      }
      return { rows: withoutRepeats([...page.data, ...rows]).slice(0, rowsMax), hasMore };
    });
  }

  /** It was deleted. */
  remove(id: string): void {
    const state = this.#state.peek();
    this.#state.value = { ...state, rows: state.rows.filter((row) => row.id !== id) };
    if (this.#lastId === id) void this.load();
  }

  async #read(
    after: string | null,
    merge: (page: Page<Conversation>) => Pick<ListState, "rows" | "hasMore">,
  ): Promise<void> {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#state.value = { ...this.#state.peek(), isLoading: true, error: null };
    const query = { after, query: this.#query.peek(), limit: pageRows };
    try {
      const page = await this.#fetch(query, abort.signal);
      if (abort.signal.aborted) return;
      this.#state.value = { ...merge(page), isLoading: false, error: null };
    } catch (error) {
      if (isAbort(error) || abort.signal.aborted) return;
      this.#state.value = { ...this.#state.peek(), isLoading: false, error: toApiError(error) };
    }
  }
}

function withoutRepeats(rows: readonly Conversation[]): readonly Conversation[] {
  const seen = new Set<string>();
  return rows.filter(({ id }) => !seen.has(id) && seen.add(id));
}
