import { blockMoverConformance } from "../block-mover.suite.ts";
import { HashMover } from "./hash-mover.ts";
import { HashRunner } from "./hash-runner.ts";

blockMoverConformance("HashMover", () => {
  let runner = makeRunner();
  const mover = new HashMover(runner, {
    tiers: [
      { name: "host", slotCount: 8, isDurable: false },
      { name: "disk", slotCount: 8, isDurable: true },
    ],
  });
  return Promise.resolve({
    mover,
    blockTokens: runner.limits.blockTokens,
    fill: (block, seed) => {
      runner.writeBlock(block, { tokens: contents(seed), contexts: contents(-seed) });
    },
    holds: (block, seed) => {
      const { tokens, contexts } = runner.readBlock(block);
      return tokens.every((token) => token === seed) && contexts.every((each) => each === -seed);
    },
    restart: () => {
      runner = makeRunner();
      mover.restart(runner);
      return Promise.resolve();
    },
    dispose: () => Promise.resolve(),
  });
});

function makeRunner(): HashRunner {
  return new HashRunner({ blockCount: 16 });
}

function contents(seed: number): Int32Array {
  return new Int32Array(4).fill(seed);
}
