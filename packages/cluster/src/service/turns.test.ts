// A burst at a real cluster: who waits in the router gets its answer, leaves, or is told of the end.

import { LociError } from "@loci/core";
import { expect, it } from "vitest";
import { answerTo } from "../testing/token-service.ts";
import { clusterRequest, readAll, TestCluster, tokensOf, until } from "../testing/test-cluster.ts";

/** Engines whose speed is not known are taken to need a second for each thousand. */
const promptTokensEach = 3000;

/** Four requests to two workers that begin no answer until the gate opens, and two that wait. */
async function burst(): Promise<{
  readonly cluster: TestCluster;
  readonly open: () => void;
  readonly answers: Promise<PromiseSettledResult<string>[]>;
  readonly leave: AbortController;
}> {
  const cluster = await TestCluster.open(2, { policy: "seconds" });
  const gate = Promise.withResolvers<undefined>();
  for (const { service } of cluster.workers) service.before = () => gate.promise;
  const leave = new AbortController();
  const ask = async (number: number): Promise<string> => {
    const promptTokens = new Int32Array(promptTokensEach).fill(number);
    const request = clusterRequest({ promptTokens });
    const signal = number === 5 ? leave.signal : undefined;
    const events = await readAll(cluster.generate(request, signal));
    const isExact = String(tokensOf(events)) === String(answerTo(request));
    const last = events.at(-1);
    return isExact ? "exact" : last?.type === "finished" ? last.reason : "broken";
  };
  const first = [0, 1, 2, 3].map((number) => ask(number));
  const phases = (): string[] => cluster.router.requestViews(9, 0).map(({ phase }) => phase);
  // From then on the workers' reports count them.
  await until(() => phases().filter((phase) => phase === "prefill").length === 4);
  const answers = Promise.allSettled([...first, ask(4), ask(5)]);
  expect(phases().filter((phase) => phase === "waiting")).toHaveLength(2);
  return { cluster, open: () => gate.resolve(undefined), answers, leave };
}

it("lets who waits go when a worker has room", async () => {
  const { cluster, open, answers } = await burst();
  await using _ = cluster;
  open();
  const values = await answers;
  expect(values.map((one) => one.status === "fulfilled" && one.value)).toEqual(
    Array.from({ length: 6 }, () => "exact"),
  );
  expect(cluster.router.liveRequests).toBe(0);
});

it("forgets who leaves while it waits", async () => {
  const { cluster, open, answers, leave } = await burst();
  await using _ = cluster;
  leave.abort();
  await until(() => cluster.router.liveRequests === 5);
  open();
  const values = await answers;
  expect(values[5]).toEqual({ status: "fulfilled", value: "cancelled" });
  expect(cluster.router.liveRequests).toBe(0);
});

it("tells who waits that the server closes", async () => {
  const { cluster, open, answers } = await burst();
  await using _ = cluster;
  cluster.cluster.service.close();
  open();
  const values = await answers;
  const codes = values.map((one) =>
    one.status === "rejected" && one.reason instanceof LociError ? one.reason.code : "",
  );
  expect(codes.slice(4)).toEqual(["unavailable", "unavailable"]);
});
