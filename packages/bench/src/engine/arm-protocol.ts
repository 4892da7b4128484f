// Between the benchmark and the process of an arm: one JSON object per line, one answer per
// question, in order.

import type { ArmOptions, EngineArmName } from "./engine-arm.ts";

export type ArmQuestion =
  | ({ readonly kind: "prepare"; readonly arm: EngineArmName } & ArmOptions)
  | { readonly kind: "prefill"; readonly depth: number; readonly tokens: number }
  | {
      readonly kind: "decode";
      readonly sequences: number;
      readonly depth: number;
      readonly steps: number;
    };

export type ArmAnswer =
  | { readonly ok: true; readonly seconds: number }
  | { readonly ok: false; readonly error: string };
