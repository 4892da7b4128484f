// The costs of a running server, from its metrics: the coefficients that its own latency model has
// learned, and the size of its memory.

import { LociError } from "@loci/core";
import type { FittedCoefficients } from "@loci/sim";

export interface Calibration {
  readonly coefficients: FittedCoefficients;
  readonly kvTokens: number;
  readonly blockTokens: number;
}

const metricsBytesMax = 4 * 1024 * 1024;
const metric = "loci_latency_model_seconds";
/** How long a server may take to tell its metrics. */
const timeoutMs = 10_000;

/** Asks a server's /metrics. Throws LociError `unavailable` or `not_supported`. */
export async function readCalibration(url: string): Promise<Calibration> {
  let text: string;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(new URL("/metrics", url), { signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    text = (await response.text()).slice(0, metricsBytesMax);
  } catch (error) {
    throw new LociError("unavailable", `The metrics of ${url} cannot be read.`, { cause: error });
  }
  return parseCalibration(text);
}

/** The calibration in a text of metrics. Throws LociError `not_supported` where it lacks a part. */
export function parseCalibration(text: string): Calibration {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+(?:\{[^{}]*\})?) (\S+)$/u.exec(line);
    if (match !== null) values.set(match[1] ?? "", Number(match[2]));
  }
  const value = (name: string): number => {
    const found = values.get(name);
    if (found !== undefined && Number.isFinite(found) && found >= 0) return found;
    throw new LociError("not_supported", `The server's metrics lack ${name}.`, {
      remedy: "Give a file with --coefficients instead.",
    });
  };
  const term = (name: string): number => value(`${metric}{term="${name}"}`);
  const blockTokens = value("loci_kv_block_tokens");
  return {
    coefficients: {
      secondsPerStep: term("step"),
      secondsPerToken: term("token"),
      secondsPerAttended: term("attended"),
      secondsPerSequence: term("sequence"),
    },
    kvTokens: value("loci_kv_blocks") * blockTokens,
    blockTokens,
  };
}
