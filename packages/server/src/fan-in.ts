// Several streams as one, in the order in which their items arrive. Each source is asked for its
// next item only after the last one was taken, so the slowest reader bounds all of them.

export interface Indexed<T> {
  readonly index: number;
  readonly item: T;
}

interface Ready<T> {
  readonly index: number;
  readonly result: IteratorResult<T, unknown>;
}

/** Merges `sources`; the first failure ends all. Leaving the loop closes every source. */
export async function* fanIn<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<Indexed<T>> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const mailbox = new Mailbox<Ready<T>>();
  const pull = (index: number): void => {
    const next = iterators[index]?.next();
    next?.then(
      (result) => mailbox.put({ index, result }),
      (error: unknown) => mailbox.fail(error),
    );
  };
  let open = iterators.length;
  for (const index of iterators.keys()) pull(index);
  try {
    while (open > 0) {
      const { index, result } = await mailbox.take();
      if (result.done === true) {
        open--;
      } else {
        yield { index, item: result.value };
        pull(index);
      }
    }
  } finally {
    // A generator that waits inside next() settles its return() only afterwards; the abort signal
    // ends that wait, so nothing is awaited here.
    for (const iterator of iterators) closeQuietly(iterator);
  }
}

function closeQuietly<T>(iterator: AsyncIterator<T>): void {
  // The failure that matters was thrown by next(); a second one from closing has no reader.
  iterator.return?.().catch(() => undefined);
}

/** At most one letter per source, because a source is asked again only after its was taken. */
class Mailbox<T> {
  readonly #letters: T[] = [];
  #failure: { readonly error: unknown } | null = null;
  #wake: () => void = () => undefined;

  put(letter: T): void {
    this.#letters.push(letter);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async take(): Promise<T> {
    for (;;) {
      const letter = this.#letters.shift();
      if (letter !== undefined) return letter;
      if (this.#failure !== null) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
