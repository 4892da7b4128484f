// The memory of a llama-server, token by token: slots that one request has at a time, and copies of
// idle slots in host memory, as its sources of this release have it. It computes nothing.

export interface SlotServerOptions {
  readonly slots: number;
  /** Tokens of all copies in host memory; 0: there is none. */
  readonly savedTokensMax: number;
}

interface Slot {
  tokens: readonly number[];
  isBusy: boolean;
  usedAt: number;
}

export class SlotServer {
  readonly #options: SlotServerOptions;
  readonly #slots: readonly Slot[];
  #saved: (readonly number[])[] = [];
  #uses = 0;

  constructor(options: SlotServerOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.slots }, () => ({
      tokens: [],
      isBusy: false,
      usedAt: -1,
    }));
  }

  get hasIdle(): boolean {
    return this.#slots.some(({ isBusy }) => !isBusy);
  }

  /** Takes a request up; `hasIdle`. What it found of the prompt, and how to end it. */
  begin(prompt: readonly number[]): SlotStay {
    const slot = this.#choose(prompt);
    const cachedTokens = Math.min(prompt.length - 1, common(slot.tokens, prompt));
    slot.tokens = prompt;
    slot.isBusy = true;
    for (const { tokens, isBusy } of this.#slots) if (!isBusy) this.#save(tokens);
    return {
      cachedTokens,
      end: (answer) => {
        slot.tokens = [...prompt, ...answer.slice(0, -1)];
        slot.isBusy = false;
        slot.usedAt = this.#uses++;
      },
    };
  }

  #choose(prompt: readonly number[]): Slot {
    const idle = this.#slots.filter(({ isBusy }) => !isBusy);
    let [slot, most]: [Slot | null, number] = [null, 0.1 * prompt.length];
    for (const each of idle) {
      const shared = common(each.tokens, prompt);
      if (shared > most) [slot, most] = [each, shared];
    }
    if (slot !== null && most / slot.tokens.length >= 0.5) return slot;
    slot ??= idle.reduce((a, b) => (b.usedAt <= a.usedAt ? b : a));
    this.#save(slot.tokens);
    this.#load(slot, prompt);
    return slot;
  }

  #load(slot: Slot, prompt: readonly number[]): void {
    const own = common(slot.tokens, prompt);
    let kept = slot.tokens.length === 0 ? -1 : own / slot.tokens.length;
    let most = own;
    let best: readonly number[] | null = null;
    for (const saved of this.#saved) {
      const shared = common(saved, prompt);
      const share = shared / saved.length;
      if (share < 0.25 || share <= kept || shared <= most) continue;
      [best, kept, most] = [saved, share, shared];
    }
    if (best === null) return;
    slot.tokens = best;
    this.#saved = this.#saved.filter((saved) => saved !== best);
  }

  #save(tokens: readonly number[]): void {
    const { savedTokensMax } = this.#options;
    if (tokens.length === 0 || tokens.length > savedTokensMax) return;
    if (this.#saved.some((saved) => common(saved, tokens) === tokens.length)) return;
    this.#saved = this.#saved.filter((saved) => common(saved, tokens) < saved.length);
    this.#saved.push(tokens);
    const size = (): number => this.#saved.reduce((sum, { length }) => sum + length, 0);
    while (size() > savedTokensMax) this.#saved.shift();
  }
}

export interface SlotStay {
  readonly cachedTokens: number;
  readonly end: (answer: readonly number[]) => void;
}

function common(one: readonly number[], other: readonly number[]): number {
  const differing = one.findIndex((token, index) => token !== other[index]);
  return differing < 0 ? one.length : differing;
}
