import { Readable } from "node:stream";
import type { ClusterAdmin, ClusterSnapshot } from "@loci/core";
import { afterEach, expect, test } from "vitest";

import { createAdmin } from "./create-admin.ts";
import type { DebugCaptures } from "./debug-routes.ts";
import type { AdminServer } from "./create-admin.ts";

const snapshot: ClusterSnapshot = {
  workers: [],
  workersWanted: 2,
  placements: { cheapest: 3 },
  retries: 0,
  moves: 1,
  quarantined: 0,
  workerDeaths: 1,
  promptTokens: 10,
  hitTokens: { device: 5, host: 0, disk: 0 },
};

class OneWorker implements ClusterAdmin {
  readonly drained: string[] = [];

  cluster(): ClusterSnapshot {
    return snapshot;
  }

  placement(requestId: string): object | null {
    return requestId === "r1" ? { requestId, workerId: "w1" } : null;
  }

  drain(workerId: string): Promise<boolean> {
    if (workerId === "w1") this.drained.push(workerId);
    return Promise.resolve(workerId === "w1");
  }
}

const captures: DebugCaptures = {
  profile: (seconds, worker) => captured(worker, `profile of ${seconds} s`),
  heap: (worker) => captured(worker, "heap"),
};

function captured(worker: string | null, text: string): Promise<Readable | null> {
  return Promise.resolve(worker === "nobody" ? null : Readable.from([`"${text}"`]));
}

const open: AdminServer[] = [];

function serve(apiKeys: readonly string[] = []): { server: AdminServer; admin: OneWorker } {
  const admin = new OneWorker();
  const server = createAdmin({ admin, captures, apiKeys });
  open.push(server);
  return { server, admin };
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

test("shows the cluster and why a request went where it went", async () => {
  const { app } = serve().server;
  const headers = { host: "127.0.0.1:9" };
  const cluster = await app.inject({ url: "/admin/cluster", headers });
  expect(cluster.json()).toEqual(snapshot);
  const placement = await app.inject({ url: "/admin/placements/r1", headers });
  expect(placement.json()).toEqual({ requestId: "r1", workerId: "w1" });
  const unknown = await app.inject({ url: "/admin/placements/r2", headers });
  expect(unknown.statusCode).toBe(404);
});

test("drains the worker that is named, and no other", async () => {
  const { server, admin } = serve();
  const post = (worker: string): Promise<{ statusCode: number }> =>
    server.app.inject({
      method: "POST",
      url: `/admin/workers/${worker}/drain`,
      headers: { host: "localhost:9" },
    });
  expect((await post("w1")).statusCode).toBe(200);
  expect((await post("w2")).statusCode).toBe(404);
  expect(admin.drained).toEqual(["w1"]);
});

test("asks for a key where keys are set", async () => {
  const { app } = serve(["secret"]).server;
  const ask = (authorization: string): Promise<{ statusCode: number }> =>
    app.inject({ url: "/admin/cluster", headers: { host: "127.0.0.1", authorization } });
  expect((await ask("Bearer wrong")).statusCode).toBe(401);
  expect((await ask("Bearer secret")).statusCode).toBe(200);
});

test("is not for browsers that were led here, nor for other machines", async () => {
  const { server } = serve();
  const named = await server.app.inject({
    url: "/admin/cluster",
    headers: { host: "evil.example" },
  });
  expect(named.statusCode).toBe(403);
  const page = await server.app.inject({
    url: "/admin/cluster",
    headers: { host: "127.0.0.1", origin: "http://evil.example" },
  });
  expect(page.statusCode).toBe(403);
  await expect(server.listen({ host: "0.0.0.0", port: 0 })).rejects.toThrow("loopback only");
});

test("gives captures of the server and of workers as files", async () => {
  const { app } = serve().server;
  const headers = { host: "127.0.0.1:9" };
  const profile = await app.inject({ url: "/admin/debug/profile?seconds=3", headers });
  expect(profile.json()).toBe("profile of 3 s");
  expect(profile.headers["content-disposition"]).toContain('"loci-server.cpuprofile"');
  const heap = await app.inject({ url: "/admin/debug/heap?worker=a%22%0Ab", headers });
  expect(heap.json()).toBe("heap");
  expect(heap.headers["content-disposition"]).toContain('"loci-a__b.heapsnapshot"');
  const nobody = await app.inject({ url: "/admin/debug/heap?worker=nobody", headers });
  expect(nobody.statusCode).toBe(404);
});

test("is there without a cluster, too, for captures alone", async () => {
  const server = createAdmin({ admin: null, captures, apiKeys: [] });
  open.push(server);
  const headers = { host: "127.0.0.1:9" };
  expect((await server.app.inject({ url: "/admin/cluster", headers })).statusCode).toBe(404);
  expect((await server.app.inject({ url: "/admin/debug/profile", headers })).statusCode).toBe(200);
});
