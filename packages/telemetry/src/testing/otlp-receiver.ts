// A collector for tests: takes OTLP as JSON over HTTP on loopback and keeps the spans, flat.

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

export interface ReceivedSpan {
  readonly service: string;
  /** service.instance.id */
  readonly instance: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  /** As OTLP numbers them: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2 for an error, 0 when nothing was said. */
  readonly status: number;
}

export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  /** Everything that was sent, as text. */
  readonly bodies: string[] = [];
  readonly headers: IncomingMessage["headers"][] = [];
  /** What requests are answered with. */
  status = 200;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  #requests = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  static async open(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return `http://127.0.0.1:${port}/v1/traces`;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Resolves when `isThere` holds; asked after every export. */
  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  named(name: string): readonly ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    this.#requests++;
    if (this.status === 200) this.#take(request, body);
    response.writeHead(this.status, { "content-type": "application/json" }).end("{}");
    for (const wake of this.#waiting) wake();
  }

  #take(request: IncomingMessage, body: string): void {
    this.bodies.push(body);
    this.headers.push(request.headers);
    for (const resource of list(JSON.parse(body), "resourceSpans")) {
      const about = attributesOf(Reflect.get(Object(resource), "resource"));
      for (const scope of list(resource, "scopeSpans")) {
        for (const span of list(scope, "spans")) this.spans.push(received(about, span));
      }
    }
  }
}

function received(about: Readonly<Record<string, unknown>>, span: unknown): ReceivedSpan {
  const field = (name: string): unknown => Reflect.get(Object(span), name);
  return {
    service: String(about["service.name"]),
    instance: String(about["service.instance.id"]),
    traceId: textOf(field("traceId")),
    spanId: textOf(field("spanId")),
    parentSpanId: textOf(field("parentSpanId")),
    name: textOf(field("name")),
    kind: Number(field("kind")),
    startNs: BigInt(String(field("startTimeUnixNano"))),
    endNs: BigInt(String(field("endTimeUnixNano"))),
    attributes: attributesOf(span),
    status: Number(Reflect.get(Object(field("status")), "code") ?? 0),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** `{attributes: [{key, value: {stringValue}}]}` as a plain record. */
function attributesOf(holder: unknown): Readonly<Record<string, unknown>> {
  const entries = list(holder, "attributes").map((attribute) => {
    const value: unknown = Reflect.get(Object(attribute), "value");
    return [String(Reflect.get(Object(attribute), "key")), plainValue(value)] as const;
  });
  return Object.fromEntries(entries);
}

function plainValue(value: unknown): unknown {
  const [kind, inner] = Object.entries(Object(value))[0] ?? [];
  if (kind === "arrayValue") return list(inner, "values").map(plainValue);
  return kind === "intValue" ? Number(inner) : inner;
}

function list(holder: unknown, name: string): readonly unknown[] {
  const value: unknown = Reflect.get(Object(holder), name);
  return Array.isArray(value) ? value : [];
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
