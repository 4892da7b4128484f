import { array, assert as check, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { PromptSizes } from "./prompt-sizes.ts";

const lacking = integer({ min: 0, max: 3_000_000 });

test("tokens of prompts up to a size are counted, to half an octave", () => {
  check(
    property(array(lacking, { maxLength: 40 }), lacking, (all, size) => {
      const sizes = new PromptSizes();
      for (const tokens of all) sizes.count(tokens, 1);
      const upTo = (limit: number): number =>
        all.reduce((sum, tokens) => (tokens <= limit ? sum + tokens : sum), 0);
      const counted = sizes.tokensUpTo(size);
      expect(counted).toBeGreaterThanOrEqual(upTo(size));
      // Prompts beyond the last class are all alike.
      const limit = size < 2 ** 20 ? Math.max(1, 1.5 * size) : Infinity;
      expect(counted).toBeLessThanOrEqual(upTo(limit));
      sizes.checkIntegrity(all);
      for (const tokens of all.splice(0, all.length >> 1)) sizes.count(tokens, -1);
      sizes.checkIntegrity(all);
    }),
    { seed: 1 },
  );
});
