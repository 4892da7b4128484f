// What the clients' tests ask for: an object small enough that a grammar makes any model give it.

import { expect } from "vitest";

export const modelName = "loci-demo";

export interface PlaceSchema extends Record<string, unknown> {
  type: "object";
  properties: { place: { type: "string"; maxLength: number } };
  required: string[];
  additionalProperties: false;
}

export const placeSchema: PlaceSchema = {
  type: "object",
  properties: { place: { type: "string", maxLength: 12 } },
  required: ["place"],
  additionalProperties: false,
};

/** Matches what the schema allows. */
export const isPlace: Readonly<{ place: unknown }> = { place: expect.any(String) };
