// Some clients' prompts say less than they seem to: a claim to be short that always overruns. What
// a tenant's recent answers exceed their predictions by is added to its next ones, as far as it is
// more than chance.

import { RecentMap } from "../state/recent-map.ts";
import type { StateReader, StateWriter } from "../state/state-bytes.ts";
import { nameKey } from "../text-hash.ts";

const tenantsMax = 256;
/** What the past counts with each new answer: about the last ten matter. */
const decay = 0.9;
const keyLengthMax = 10;
const sumMax = 1000;

interface Bias {
  sum: number;
  weight: number;
}

export class TenantBias {
  readonly #biases = new RecentMap<Bias>(tenantsMax);

  /** To add to a prediction; `spread` is the usual error of predictions. */
  of(tenant: string, spread: number): number {
    const bias = this.#biases.peek(nameKey(tenant));
    if (bias === undefined || bias.weight === 0) return 0;
    const mean = bias.sum / bias.weight;
    const chance = spread / Math.sqrt(bias.weight);
    return Math.sign(mean) * Math.max(0, Math.abs(mean) - chance);
  }

  /** `residual` = what came less what was predicted without a bias. */
  add(tenant: string, residual: number): void {
    const bias = this.#biases.use(nameKey(tenant), () => ({ sum: 0, weight: 0 }));
    bias.sum = bias.sum * decay + residual;
    bias.weight = bias.weight * decay + 1;
  }

  write(writer: StateWriter): void {
    writer.whole(this.#biases.size);
    for (const [key, { sum, weight }] of this.#biases.entries()) {
      writer.text(key);
      writer.number(sum);
      writer.number(weight);
    }
  }

  read(reader: StateReader): void {
    const count = reader.whole({ min: 0, max: tenantsMax });
    for (let i = 0; i < count && !reader.hasFailed; i++) {
      const key = reader.text(keyLengthMax);
      const sum = reader.number({ min: -sumMax, max: sumMax });
      const weight = reader.number({ min: 0, max: 1 / (1 - decay) + 1 });
      this.#biases.use(key, () => ({ sum, weight }));
    }
  }

  checkIntegrity(): void {
    this.#biases.checkIntegrity();
  }
}
