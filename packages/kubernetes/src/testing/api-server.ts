// The part of a Kubernetes API server that discovery talks to, over real HTTP: lists in pages with a
// resource version, watches as streams of JSON lines from a version on, bookmarks, 410 for versions
// that are no longer remembered, 401 for tokens that it does not know.

import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

import { assert } from "@loci/core";

export interface TestSlice {
  readonly name: string;
  readonly service?: string;
  readonly addressType?: string;
  readonly ports?: readonly object[];
  readonly endpoints: readonly object[];
}

interface Change {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: object;
  readonly service: string;
}

interface Watcher {
  readonly response: ServerResponse;
  readonly service: string;
}

const path = "/apis/discovery.k8s.io/v1/namespaces/models/endpointslices";

export class ApiServer {
  readonly token = "a-service-account's-token";
  /** Requests served, by what they asked for. */
  readonly counts: { list: number; watch: number; gone: number; refused: number } = {
    list: 0,
    watch: 0,
    gone: 0,
    refused: 0,
  };
  readonly #slices = new Map<string, { slice: TestSlice; version: number }>();
  readonly #watchers = new Set<Watcher>();
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  #changes: Change[] = [];
  #version = 100;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  static async create(): Promise<ApiServer> {
    const server = new ApiServer();
    await server.start();
    return server;
  }

  /** On the port that it had before. */
  async start(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    assert(address !== null && typeof address === "object", "it listens on a port");
    this.#port = address.port;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** A kubeconfig with which the server lets one in; or not. */
  kubeconfig(token: string = this.token): string {
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      // Only with this does the client speak to a server without encryption.
      clusters: [
        {
          name: "test",
          cluster: {
            server: `http://127.0.0.1:${this.#port}`,
            "insecure-skip-tls-verify": true,
          },
        },
      ],
      users: [{ name: "router", user: { token } }],
      contexts: [
        { name: "test", context: { cluster: "test", user: "router", namespace: "models" } },
      ],
      "current-context": "test",
    });
  }

  put(slice: TestSlice): void {
    const type = this.#slices.has(slice.name) ? "MODIFIED" : "ADDED";
    const version = ++this.#version;
    this.#slices.set(slice.name, { slice, version });
    this.#tell({ type, version, object: sliceObject(slice, version), service: serviceOf(slice) });
  }

  remove(name: string): void {
    const known = this.#slices.get(name);
    assert(known !== undefined, "only what exists is removed");
    this.#slices.delete(name);
    const version = ++this.#version;
    const object = sliceObject(known.slice, version);
    this.#tell({ type: "DELETED", version, object, service: serviceOf(known.slice) });
  }

  /** Versions before the present one are no longer remembered. */
  forget(): void {
    this.#changes = [];
    this.#version += 1000;
  }

  /** Tells the present version to all who watch. */
  bookmark(): void {
    const metadata = { resourceVersion: String(this.#version) };
    const line = JSON.stringify({ type: "BOOKMARK", object: { kind: "EndpointSlice", metadata } });
    for (const { response } of this.#watchers) response.write(`${line}\n`);
  }

  endWatches(): void {
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  cutWatches(): void {
    for (const { response } of this.#watchers) response.destroy();
    this.#watchers.clear();
  }

  /** Resolves when it holds, at the latest when something was asked. */
  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://server");
    const selector = url.searchParams.get("labelSelector") ?? "";
    const service = /^kubernetes\.io\/service-name=(.+)$/.exec(selector)?.[1] ?? "";
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      this.counts.refused += 1;
      sendJson(response, 401, status(401, "Unauthorized"));
    } else if (url.pathname !== path) sendJson(response, 404, status(404, "NotFound"));
    else if (url.searchParams.get("watch") === "true") this.#watch(url, service, response);
    else this.#list(url, service, response);
    for (const check of this.#waiting) check();
  }

  #list(url: URL, service: string, response: ServerResponse): void {
    this.counts.list += 1;
    const limit = Number(url.searchParams.get("limit") ?? "500");
    const start = Number(url.searchParams.get("continue") ?? "0");
    const all = [...this.#slices.values()].filter(({ slice }) => serviceOf(slice) === service);
    const items = all
      .slice(start, start + limit)
      .map(({ slice, version }) => sliceObject(slice, version));
    const hasMore = start + limit < all.length;
    sendJson(response, 200, {
      kind: "EndpointSliceList",
      apiVersion: "discovery.k8s.io/v1",
      metadata: {
        resourceVersion: String(this.#version),
        ...(hasMore && { continue: String(start + limit) }),
      },
      items,
    });
  }

  #watch(url: URL, service: string, response: ServerResponse): void {
    const from = Number(url.searchParams.get("resourceVersion"));
    const oldest = this.#changes[0]?.version ?? this.#version + 1;
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (from + 1 < oldest && from < this.#version) {
      this.counts.gone += 1;
      const object = status(410, "Expired");
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    this.counts.watch += 1;
    const watcher = { response, service };
    this.#watchers.add(watcher);
    response.on("close", () => {
      this.#watchers.delete(watcher);
      for (const check of this.#waiting) check();
    });
    for (const change of this.#changes) if (change.version > from) sendChange(watcher, change);
  }

  #tell(change: Change): void {
    this.#changes.push(change);
    for (const watcher of this.#watchers) sendChange(watcher, change);
  }
}

function sendChange({ response, service }: Watcher, change: Change): void {
  if (service !== change.service) return;
  response.write(`${JSON.stringify({ type: change.type, object: change.object })}\n`);
}

function serviceOf(slice: TestSlice): string {
  return slice.service ?? "workers";
}

function sliceObject(slice: TestSlice, version: number): object {
  return {
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    metadata: {
      name: slice.name,
      namespace: "models",
      resourceVersion: String(version),
      labels: { "kubernetes.io/service-name": serviceOf(slice) },
    },
    addressType: slice.addressType ?? "IPv4",
    ports: slice.ports ?? [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: slice.endpoints,
  };
}

function status(code: number, reason: string): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", reason, code, message: reason };
}

function sendJson(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
