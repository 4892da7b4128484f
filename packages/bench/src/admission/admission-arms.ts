// The ways of promising memory that are compared, each with what it may know of lengths.

import { defined } from "@loci/core";
import type { AdmissionName } from "@loci/engine";
import { defaultPredictor, OraclePredictor, type LengthPredictor } from "@loci/predict";
import { teach, type AdmissionRequest, type AdmissionWorkload } from "./admission-workload.ts";

export type ArmName = Extract<AdmissionName, "predicted" | "worst-case" | "paged" | "oracle">;

export const armNames: readonly ArmName[] = ["predicted", "worst-case", "paged", "oracle"];

/** Whose cache all requests of a run share. */
export const benchTenant = "bench";

/** A new predictor for one run; null where lengths do not matter. */
export function lengthsOf(
  arm: ArmName,
  workload: AdmissionWorkload,
  facts: { readonly tokensMax: number; readonly seed: number },
): LengthPredictor | null {
  switch (arm) {
    case "predicted": {
      const predictor = defaultPredictor({ seed: facts.seed });
      teach(predictor, workload.seen, { tenant: benchTenant, tokensMax: facts.tokensMax });
      return predictor;
    }
    case "oracle": {
      const known = new Map<Int32Array, AdmissionRequest>(
        workload.waiting.map((request) => [request.promptTokens, request]),
      );
      return new OraclePredictor(
        ({ promptTokens }) => defined(known.get(promptTokens)).answerTokens,
      );
    }
    case "worst-case":
    case "paged":
      return null;
    default:
      return arm satisfies never;
  }
}
