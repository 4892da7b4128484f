// What all parts of one measurement share, and what each of them says in the end.

import type { Clock } from "@loci/core";
import type { Output } from "../measure/output.ts";
import type { CoreSplit } from "../measure/pinning.ts";
import type { Bar, Figure } from "../measure/report.ts";
import type { TokenIds } from "../tiered/random-tokens.ts";
import type { ClusterOptions } from "./cluster-options.ts";

export interface Session {
  readonly options: ClusterOptions;
  readonly output: Output;
  /** One thread for each worker. */
  readonly cores: CoreSplit;
  readonly modelPath: string;
  readonly tokenIds: TokenIds;
  /** Keys and values of one token. */
  readonly bytesPerToken: number;
  readonly quick: boolean;
  readonly clock: Clock;
}

export interface PartReport {
  readonly bars: readonly Bar[];
  readonly figures: Readonly<Record<string, Figure>>;
}
