// A hub in this process for tests: lists files in pages, redirects downloads to a second origin,
// serves ranges, and fails as told. It keeps a log of what it was asked.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** What happens to one request for content; in the order the requests arrive. */
export interface Fault {
  /** The connection breaks after this many bytes of the answer's body. */
  readonly cutAfter?: number;
  /** Called there instead, with the connection left open. */
  readonly atCut?: () => void;
  readonly status?: number;
  readonly retryAfter?: string;
  /** Answers with the whole file, whatever was asked. */
  readonly ignoreRange?: boolean;
  /** Sends this content instead. */
  readonly content?: Uint8Array;
  readonly etag?: string;
  /** Answers ranges without minding `If-Range`. */
  readonly ignoreIfRange?: boolean;
  /** Sends pieces of this size, one in each turn of the event loop. */
  readonly pieceBytes?: number;
  /** Without a length, so that the client cannot know it early. */
  readonly isChunked?: boolean;
}

export interface LoggedRequest {
  readonly url: string;
  readonly range: string | null;
  readonly ifRange: string | null;
  readonly authorization: string | null;
}

export interface StandInFile {
  readonly path: string;
  readonly content: Uint8Array;
  /** False: kept in git itself, with git's kind of checksum. */
  readonly isLarge?: boolean;
}

export class StandInHub {
  readonly files: Map<string, readonly StandInFile[]> = new Map();
  /** Taken from the front, one for each request for content. */
  readonly faults: Fault[] = [];
  /** The same for requests for lists. */
  readonly listFaults: Fault[] = [];
  readonly listLog: LoggedRequest[] = [];
  readonly contentLog: LoggedRequest[] = [];
  /** Replaces the answer to a request for a list. */
  listAnswer: ((origin: string) => { body: string; link?: string }) | null = null;
  /** Replaces the place that a download is redirected to. */
  redirect: string | null = null;
  pageEntries = 2;
  /** The hub's own origin. */
  url = "";
  readonly #hub: Server;
  readonly #store: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#store = createServer((request, response) => this.#answerContent(request, response));
  }

  static async start(): Promise<StandInHub> {
    const hub = new StandInHub();
    for (const server of [hub.#hub, hub.#store]) {
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
      });
    }
    hub.url = originOf(hub.#hub);
    return hub;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    }
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", this.url);
    const list = /^\/api\/models\/([^/]+\/[^/]+)\/tree\/([^/]+)$/.exec(url.pathname);
    if (list !== null) {
      this.listLog.push(logged(request));
      return this.#answerList(url, list[1] ?? "", response);
    }
    const content = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    if (content === null) return void response.writeHead(404).end();
    const place = `${originOf(this.#store)}/${content[1]}/${content[3]}`;
    return void response.writeHead(302, { location: this.redirect ?? place }).end();
  }

  #answerList(url: URL, repo: string, response: ServerResponse): void {
    const fault = this.listFaults.shift() ?? {};
    if (fault.status !== undefined) return refuse(response, fault);
    if (this.listAnswer !== null) {
      const { body, link } = this.listAnswer(this.url);
      return void response.writeHead(200, link === undefined ? {} : { link }).end(body);
    }
    const files = this.files.get(repo);
    if (files === undefined) return void response.writeHead(404).end("{}");
    const start = Number(url.searchParams.get("cursor") ?? 0);
    const end = start + this.pageEntries;
    const entries = [{ type: "directory", path: "a", size: 0 }, ...files.map(entryOf)];
    const next = new URL(url);
    next.searchParams.set("cursor", String(end));
    const link = end < entries.length ? { link: `<${next.href}>; rel="next"` } : {};
    response.writeHead(200, { "content-type": "application/json", ...link });
    return void response.end(JSON.stringify(entries.slice(start, end)));
  }

  #answerContent(request: IncomingMessage, response: ServerResponse): void {
    this.contentLog.push(logged(request));
    const fault = this.faults.shift() ?? {};
    if (fault.status !== undefined) return refuse(response, fault);
    const [, user, repo, ...path] = decodeURIComponent(request.url ?? "").split("/");
    const file = this.files.get(`${user}/${repo}`)?.find((item) => item.path === path.join("/"));
    if (file === undefined) return void response.writeHead(404).end();
    const whole = fault.content ?? file.content;
    const etag = fault.etag ?? `"${sha256(file.content)}"`;
    const start = startOf(request, etag, fault);
    if (start > 0 && start >= whole.byteLength) return void response.writeHead(416).end();
    const body = whole.subarray(start);
    const range = `bytes ${start}-${whole.byteLength - 1}/${whole.byteLength}`;
    const length = { "content-length": body.byteLength };
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      ...(start > 0 ? { "content-range": range } : {}),
      ...(fault.isChunked === true ? {} : length),
    });
    return send(response, body, fault);
  }
}

/** The byte that the answer begins with. */
function startOf(request: IncomingMessage, etag: string, fault: Fault): number {
  const ifRange = request.headers["if-range"];
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const isSame = fault.ignoreIfRange === true || ifRange === undefined || ifRange === etag;
  return asked !== null && isSame && fault.ignoreRange !== true ? Number(asked[1]) : 0;
}

function send(response: ServerResponse, body: Uint8Array, fault: Fault): void {
  const cut = fault.cutAfter === undefined ? null : Math.min(fault.cutAfter, body.byteLength);
  const sent = body.subarray(0, cut ?? body.byteLength);
  const pieceBytes = fault.pieceBytes ?? Math.max(1, sent.byteLength);
  let at = 0;
  const step = (): void => {
    if (at >= sent.byteLength) {
      if (cut === null) response.end();
      else if (fault.atCut === undefined) response.socket?.end();
      else fault.atCut();
      return;
    }
    const piece = sent.subarray(at, at + pieceBytes);
    at += piece.byteLength;
    response.write(piece, () => setImmediate(step));
  };
  response.flushHeaders();
  step();
}

function refuse(response: ServerResponse, fault: Fault): void {
  const retry = fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
  response.writeHead(fault.status ?? 500, retry).end();
}

function entryOf(file: StandInFile): object {
  const size = file.content.byteLength;
  const blob = createHash("sha1").update(`blob ${size}\0`).update(file.content).digest("hex");
  const entry = { type: "file", path: file.path, size, oid: blob };
  if (file.isLarge === false) return entry;
  return {
    ...entry,
    oid: "0".repeat(40),
    lfs: { oid: sha256(file.content), size, pointerSize: 134 },
  };
}

function logged(request: IncomingMessage): LoggedRequest {
  const { range, authorization } = request.headers;
  const ifRange = request.headers["if-range"];
  return {
    url: request.url ?? "",
    range: range ?? null,
    ifRange: typeof ifRange === "string" ? ifRange : null,
    authorization: authorization ?? null,
  };
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function originOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens");
  return `http://127.0.0.1:${address.port}`;
}
