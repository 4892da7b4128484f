// Things that come one by one, for a test that waits for so many of them.

export class Gathered<Item> {
  readonly items: Item[] = [];
  #waiting: {
    readonly isDone: (items: readonly Item[]) => boolean;
    readonly resolve: () => void;
  }[] = [];

  push(item: Item): void {
    this.items.push(item);
    this.#waiting = this.#waiting.filter(({ isDone, resolve }) => {
      if (!isDone(this.items)) return true;
      resolve();
      return false;
    });
  }

  /** Resolves once `isDone` holds of all that came. */
  until(isDone: (items: readonly Item[]) => boolean): Promise<void> {
    if (isDone(this.items)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ isDone, resolve });
    });
  }
}
