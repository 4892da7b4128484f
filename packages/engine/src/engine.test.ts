import { describe, expect, it } from "vitest";
import { Engine } from "./engine.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import { testRequest } from "./testing/requests.ts";

describe("Engine", () => {
  it("generates", () => {
    const runner = new HashRunner();
    const engine = new Engine({ limits: runner.limits, tokenText: runner });
    engine.submit(testRequest({ id: "a" }), 0);
    let steps = 0;
    for (let batch = engine.schedule(0); batch !== null; batch = engine.schedule(0)) {
      engine.commit(runner.run(batch), 0);
      steps++;
    }
    engine.checkIntegrity();
    expect(steps).toBe(8);
    expect(engine.takeEvents().at(-1)).toMatchObject({ event: { type: "finished" } });
  });
});
