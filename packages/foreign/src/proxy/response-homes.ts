// Which worker keeps which stored response: what follows on it has to go there.

const homesMax = 65_536;
const idCharsMax = 256;

export class ResponseHomes {
  readonly #homes = new Map<string, string>();

  /** Null: it is not known, or forgotten. */
  of(responseId: string | null): string | null {
    return responseId === null ? null : (this.#homes.get(responseId) ?? null);
  }

  put(responseId: string, workerId: string): void {
    if (responseId.length > idCharsMax) return;
    this.#homes.delete(responseId);
    this.#homes.set(responseId, workerId);
    if (this.#homes.size <= homesMax) return;
    for (const oldest of this.#homes.keys()) {
      this.#homes.delete(oldest);
      return;
    }
  }
}
