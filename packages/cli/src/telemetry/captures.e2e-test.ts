// Captures of real processes: of the API's, and of a worker behind it, each through the admin listener.

import { json } from "node:stream/consumers";
import { Readable } from "node:stream";

import { expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";

const timeout = 90_000;
const words = "serve --port 0 --store none --threads 1 --kv-memory 64MiB --admin-port 0".split(" ");

/** Where the admin listener is, once requests are served. */
async function adminOf(loci: LociProcess): Promise<string> {
  await loci.url();
  const [, admin = ""] = await loci.sees(/admin at (http:\/\/[^\s/]+)/);
  return admin;
}

async function captured(url: string): Promise<unknown> {
  const answer = await fetch(url);
  if (answer.body === null || !answer.ok) throw new Error(`${answer.status} for ${url}`);
  return json(Readable.fromWeb(answer.body));
}

test(
  "profiles and heaps come from the server and from its worker",
  async () => {
    await using loci = new LociProcess(words);
    const admin = await adminOf(loci);
    const profile = { nodes: expect.any(Array), timeDeltas: expect.any(Array) };
    expect(await captured(`${admin}/admin/debug/profile?seconds=0.2`)).toMatchObject(profile);
    const cluster = await captured(`${admin}/admin/cluster`);
    const id = String(Reflect.get(Reflect.get(Object(cluster), "workers")[0], "id"));
    const ofWorker = `${admin}/admin/debug/profile?seconds=0.2&worker=${id}`;
    expect(await captured(ofWorker)).toMatchObject(profile);
    const heap = await captured(`${admin}/admin/debug/heap?worker=${id}`);
    expect(heap).toMatchObject({ snapshot: { meta: expect.any(Object) } });
    const tooLong = await fetch(`${admin}/admin/debug/profile?seconds=99&worker=${id}`);
    expect(tooLong.status).toBe(400);
  },
  timeout,
);

test(
  "one process alone has a listener, too",
  async () => {
    await using loci = new LociProcess([
      ...words,
      ..."--workers 0 --metrics-compat vllm".split(" "),
    ]);
    const admin = await adminOf(loci);
    const profile = await captured(`${admin}/admin/debug/profile?seconds=0.1`);
    expect(profile).toMatchObject({ nodes: expect.any(Array) });
    expect((await fetch(`${admin}/admin/debug/heap?worker=w0`)).status).toBe(404);
    const metrics = await (await fetch(`${await loci.url()}/metrics`)).text();
    expect(metrics).toMatch(/^vllm:num_requests_running\{model_name="[^"]+",engine="0"\} 0$/m);
  },
  timeout,
);
