import { runnerConformance } from "../runner.suite.ts";
import { HashRunner } from "./hash-runner.ts";

runnerConformance("HashRunner", () =>
  Promise.resolve({
    runner: new HashRunner({ eosTokenId: 3 }),
    eosTokenId: 3,
    dispose: () => Promise.resolve(),
  }),
);
