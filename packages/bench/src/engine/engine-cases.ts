// What the engines are measured on, with the bar of each case: our speed over libllama's.

import type { ArmRoom, EngineArm } from "./engine-arm.ts";

export interface EngineCase {
  readonly name: string;
  readonly room: ArmRoom;
  /** Tokens that one measurement computes. */
  readonly tokens: number;
  readonly bar: number;
  run(arm: EngineArm): Promise<number>;
}

const promptTokens = 512;
const deepTokens = 8192;
const shallowTokens = 512;
const deepRoom: ArmRoom = { sequences: 1, contextTokens: deepTokens + promptTokens };

function prefillCase(depth: number, bar: number): EngineCase {
  return {
    name: `prefill ${promptTokens} at ${depth}`,
    room: deepRoom,
    tokens: promptTokens,
    bar,
    run: (arm) => arm.prefill(depth, promptTokens),
  };
}

function decodeCase(sequences: number, depth: number, bar: number): EngineCase {
  const steps = sequences >= 32 ? 24 : 48;
  return {
    name: `decode ${sequences} at ${depth}`,
    room: depth === deepTokens ? deepRoom : { sequences, contextTokens: depth + 128 },
    tokens: sequences * steps,
    bar,
    run: (arm) => arm.decode(sequences, depth, steps),
  };
}

/** In an order in which neighbours share room and context. */
export const engineCases: readonly EngineCase[] = [
  prefillCase(0, 1.05),
  prefillCase(deepTokens, 2),
  decodeCase(1, deepTokens, 1.2),
  decodeCase(1, shallowTokens, 1),
  decodeCase(8, shallowTokens, 1.1),
  decodeCase(32, shallowTokens, 1.1),
];
