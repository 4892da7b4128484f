// The admission policy that a setting names.

import type { AdmissionName, AdmissionPolicy } from "./admission-policy.ts";
import { PredictedAdmission } from "./predicted-admission.ts";
import type { PredictedAdmissionParts } from "./predicted-admission.ts";
import { pagedRule, ReservedAdmission, s3Rule, worstCaseRule } from "./reserved-admission.ts";
import type { ReservationRule } from "./reserved-admission.ts";

export interface AdmissionParts extends Omit<PredictedAdmissionParts, "name"> {
  readonly blockCount: number;
  readonly blockTokens: number;
}

const rules: Partial<Record<AdmissionName, ReservationRule>> = {
  s3: s3Rule,
  paged: pagedRule,
  "worst-case": worstCaseRule,
};

export function admissionOf(name: AdmissionName, parts: AdmissionParts): AdmissionPolicy {
  const rule = rules[name];
  if (rule === undefined) return new PredictedAdmission({ ...parts, name });
  return new ReservedAdmission(rule, parts.blockTokens, parts.blockCount);
}
