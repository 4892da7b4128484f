import { viewLimits } from "@loci/core";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { clusterRequest } from "../testing/test-cluster.ts";
import { anyStory } from "../testing/views.ts";
import { AttemptNotes } from "./attempt-notes.ts";
import { storyOf } from "./story-of.ts";

const attempts = fc.array(
  fc.record({
    pauseMs: fc.nat(500),
    startedMs: fc.option(fc.nat(500)),
    tokens: fc.nat(4),
    tokenMs: fc.nat(50),
    story: fc.option(anyStory),
  }),
  { maxLength: 4 },
);

it("is one line of phases from beginning to end, whoever tells of it", () => {
  fc.assert(
    fc.property(attempts, fc.boolean(), (parts, ends) => {
      let nowMs = 1000;
      const request = clusterRequest();
      const notes = new AttemptNotes(request, nowMs);
      const told = new Map();
      let tokens = 0;
      for (const [
        index,
        { pauseMs, startedMs, tokens: count, tokenMs, story },
      ] of parts.entries()) {
        nowMs += pauseMs;
        notes.begin(`w${index}`, nowMs);
        if (story !== null) told.set(`${request.id}.${index}`, story);
        nowMs += startedMs ?? 0;
        if (startedMs !== null) {
          notes.take({ type: "started", promptTokens: 20, cachedTokens: 3 }, nowMs);
          for (let token = 0; token < count; token++) {
            nowMs += tokenMs;
            notes.take({ type: "token", tokenId: 1, text: "", logprobs: null }, nowMs);
            tokens++;
          }
        }
        if (index < parts.length - 1) notes.failed("worker_lost", nowMs);
      }
      nowMs += 10;
      if (ends) notes.end(nowMs);
      const story = storyOf({ notes, told, placement: { why: 1 }, nowMs: nowMs + 5 });
      const endSeconds = ((ends ? nowMs : nowMs + 5) - 1000) / 1000;
      expect(story.endSeconds).toBe(ends ? endSeconds : null);
      expect(story.phases.length).toBeLessThanOrEqual(viewLimits.phasesMax);
      let reached = 0;
      for (const phase of story.phases) {
        expect(phase.startSeconds).toBeCloseTo(reached, 9);
        expect(phase.endSeconds).toBeGreaterThanOrEqual(phase.startSeconds - 1e-9);
        reached = phase.endSeconds;
      }
      expect(reached).toBeCloseTo(endSeconds, 9);
      expect(story.generatedTokens).toBe(tokens);
      const moves = story.phases.filter(({ note }) => note?.startsWith("moved from w") === true);
      // Of the last phases of a long story only one is left.
      const isWhole = story.phases.length < viewLimits.phasesMax;
      expect(isWhole ? moves.length : Math.max(0, parts.length - 1)).toBe(
        Math.max(0, parts.length - 1),
      );
      expect(story.worker).toBe(parts.length === 0 ? null : `w${parts.length - 1}`);
      expect(story.placement).toEqual({ why: 1 });
    }),
    { seed: 8, numRuns: 200 },
  );
});
