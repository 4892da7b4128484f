// A transaction is written once, as a generator that yields SQL and receives rows. SQLite runs it to
// its end without a pause, PostgreSQL awaits each statement; neither repeats the logic. The SQL is
// the common subset of both, with "?" for values.

export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Readonly<Record<string, unknown>>;

/** What a program may ask of the database that runs it; every step is answered with rows. */
export type Step =
  | { readonly kind: "statement"; readonly sql: string; readonly values: readonly SqlValue[] }
  /**
   * Until the end of the transaction: `exclusive` waits for all others with the same name. SQLite
   * runs one program at a time and need not ask.
   */
  | { readonly kind: "lock"; readonly mode: "shared" | "exclusive"; readonly name: string }
  /** Answers with one row when the owner is still at work, else with none. */
  | { readonly kind: "alive"; readonly owner: number };

export type Program<T> = Generator<Step, T, readonly SqlRow[]>;

/** Who runs a program: one opened store. */
export interface ProgramContext {
  /** Marks turns and claims of this store as its own while they are under way. */
  readonly owner: number;
}

/** One statement as a program of its own. */
export function* query(
  sql: string,
  values: readonly SqlValue[],
): Generator<Step, readonly SqlRow[], readonly SqlRow[]> {
  return yield { kind: "statement", sql, values };
}

export function* lock(mode: "shared" | "exclusive", name: string): Program<void> {
  yield { kind: "lock", mode, name };
}

export function* isAlive(owner: number): Program<boolean> {
  const rows = yield { kind: "alive", owner };
  return rows.length > 0;
}

/** Runs a program whose steps are answered at once. */
export function runSync<T>(program: Program<T>, answer: (step: Step) => readonly SqlRow[]): T {
  let next = program.next();
  while (!next.done) next = program.next(answer(next.value));
  return next.value;
}

/** Runs a program whose steps take time. */
export async function runAsync<T>(
  program: Program<T>,
  answer: (step: Step) => Promise<readonly SqlRow[]>,
): Promise<T> {
  let next = program.next();
  while (!next.done) next = program.next(await answer(next.value));
  return next.value;
}
