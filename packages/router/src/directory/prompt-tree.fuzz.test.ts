import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PromptTree } from "./prompt-tree.ts";

/** Few names, so that prompts have much in common; a name says all that is before it. */
const prompt = fc
  .array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 9 })
  .map((steps) => {
    let name = 0;
    return Float64Array.from(steps, (step) => (name = 4 * name + step));
  });

const change = fc.record({ names: prompt, removes: fc.nat({ max: 40 }) });

function commonStart(one: Float64Array, other: Float64Array): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}

test("a prompt that goes leaves what it has in common with any other", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const tree = new PromptTree();
      const model: Float64Array[] = [];
      const removeAt = (index: number): void => {
        const [gone = new Float64Array()] = model.splice(index, 1);
        const from = Math.max(0, ...model.map((other) => commonStart(gone, other)));
        expect(tree.remove(gone)).toBe(from);
        tree.checkIntegrity();
      };
      for (const { names, removes } of changes) {
        tree.add(names);
        model.push(names);
        tree.checkIntegrity();
        if (removes < model.length) removeAt(removes);
      }
      while (model.length > 0) removeAt(0);
      expect(tree.promptCount).toBe(0);
    }),
    { seed: 11, numRuns: 300 },
  );
});
