import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { WorkerAddress } from "@loci/cluster";
import { systemClock } from "@loci/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import { KubernetesDirectory } from "./kubernetes-directory.ts";
import { ApiServer } from "./testing/api-server.ts";

let server: ApiServer;
let folder: string;
let directory: KubernetesDirectory;
let stop: () => void;
let present: Set<string>;
let problems: string[];
let changed: () => void;

beforeEach(async () => {
  server = await ApiServer.create();
  folder = await mkdtemp(join(tmpdir(), "loci-kube-"));
  present = new Set();
  problems = [];
  changed = () => undefined;
  stop = () => undefined;
});

afterEach(async () => {
  stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

async function begin(service = "workers", token = server.token): Promise<void> {
  const kubeconfigPath = join(folder, "config");
  await writeFile(kubeconfigPath, server.kubeconfig(token));
  directory = new KubernetesDirectory({
    service,
    kubeconfigPath,
    seed: 1,
    clock: systemClock,
    onProblem: (problem) => {
      problems.push(problem);
      changed();
    },
  });
  stop = directory.watch({
    onJoin: ({ url }: WorkerAddress) => {
      expect(present.has(url)).toBe(false);
      present.add(url);
      changed();
    },
    onLeave: (url) => {
      expect(present.delete(url)).toBe(true);
      changed();
    },
  });
}

async function until(condition: () => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    changed = (): void => {
      if (condition()) resolve();
    };
    changed();
  });
}

function ready(...hosts: readonly string[]): object[] {
  return hosts.map((host) => ({ addresses: [host], conditions: { ready: true } }));
}

const urlOf = (host: string): string => `http://${host}:8080`;

test("pods join when they are ready and leave when they end", async () => {
  server.put({ name: "a", endpoints: ready("10.0.0.1", "10.0.0.2") });
  server.put({ name: "other", service: "database", endpoints: ready("10.9.9.9") });
  await begin();
  await until(() => present.size === 2);
  await server.until(() => server.watchers === 1);
  server.put({ name: "b", endpoints: ready("10.0.0.3") });
  await until(() => present.has(urlOf("10.0.0.3")));
  const ending = { addresses: ["10.0.0.1"], conditions: { ready: false, terminating: true } };
  server.put({ name: "a", endpoints: [ending, ...ready("10.0.0.2")] });
  await until(() => !present.has(urlOf("10.0.0.1")));
  server.remove("b");
  await until(() => present.size === 1);
  expect([...present]).toEqual([urlOf("10.0.0.2")]);
  directory.checkIntegrity();
  expect(problems).toEqual([]);
});

test("a watch goes on where the one before ended, also when it was cut", async () => {
  server.put({ name: "a", endpoints: ready("10.0.0.1") });
  await begin("models/workers:http");
  await server.until(() => server.watchers === 1);
  server.endWatches();
  server.put({ name: "b", endpoints: ready("10.0.0.2") });
  await until(() => present.size === 2);
  await server.until(() => server.watchers === 1);
  expect(server.counts).toMatchObject({ list: 1, watch: 2 });
  server.cutWatches();
  server.put({ name: "c", endpoints: ready("10.0.0.3") });
  await until(() => present.size === 3);
});

test("a version that the server has forgotten is listed again", async () => {
  server.put({ name: "a", endpoints: ready("10.0.0.1") });
  await begin();
  await server.until(() => server.watchers === 1);
  server.remove("a");
  server.put({ name: "b", endpoints: ready("10.0.0.2") });
  await until(() => present.has(urlOf("10.0.0.2")) && present.size === 1);
  server.forget();
  server.put({ name: "c", endpoints: ready("10.0.0.3") });
  server.endWatches();
  await until(() => present.size === 2);
  await server.until(() => server.watchers === 1);
  // Not before something changes does it know of a newer version; bookmarks tell it.
  server.forget();
  server.endWatches();
  await server.until(() => server.counts.gone > 0 && server.watchers === 1);
  const { gone, list } = server.counts;
  expect(list).toBe(gone + 1);
  server.forget();
  server.bookmark();
  server.endWatches();
  await server.until(() => server.watchers === 1);
  server.put({ name: "d", endpoints: ready("10.0.0.4") });
  await until(() => present.size === 3);
  expect(server.counts).toMatchObject({ gone, list });
});

test("long lists come in pages", async () => {
  for (let index = 0; index < 64; index++) {
    server.put({ name: `s${index}`, endpoints: ready(`10.0.1.${index}`) });
  }
  for (let index = 0; index < 10; index++) server.put({ name: `s${index}`, endpoints: [] });
  await begin();
  await until(() => present.size === 54);
  server.put({ name: "s0", endpoints: ready("10.0.2.1") });
  await until(() => present.size === 55);
  expect(server.counts.list).toBe(1);
});

test("while the server is away everybody stays; what changed is found afterwards", async () => {
  server.put({ name: "a", endpoints: ready("10.0.0.1", "10.0.0.2") });
  await begin();
  await until(() => present.size === 2);
  await server.until(() => server.watchers === 1);
  await server.stop();
  await until(() => problems.length > 0);
  expect(present.size).toBe(2);
  server.put({ name: "a", endpoints: ready("10.0.0.2", "10.0.0.3") });
  server.forget();
  await server.start();
  await until(() => present.has(urlOf("10.0.0.3")) && present.size === 2);
  expect(problems).toHaveLength(1);
  directory.checkIntegrity();
});

test("a token that the server does not take is a problem that is told once", async () => {
  server.put({ name: "a", endpoints: ready("10.0.0.1") });
  await begin("workers", "stale");
  await server.until(() => server.counts.refused >= 2);
  await until(() => problems.length > 0);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain("401");
  expect(problems[0]).not.toContain("stale");
  expect(present.size).toBe(0);
});
