// A TCP connection that says exactly what a test wants and shows exactly what came back.

import { connect, type Socket } from "node:net";
import { once } from "node:events";

export class RawConnection implements AsyncDisposable {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  #bytes = 0;
  #closed = false;
  #watchers: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#bytes += bytes.length;
      this.#changed();
    });
    // A reset by the server is an end like any other for these tests.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#closed = true;
      this.#changed();
    });
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ port, host: "127.0.0.1" });
    const connection = new RawConnection(socket);
    await once(socket, "connect");
    return connection;
  }

  get text(): string {
    return Buffer.concat(this.#received).toString("latin1");
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Looks at the last piece that arrived only. */
  endsWith(text: string): boolean {
    return this.#received.at(-1)?.toString("latin1").endsWith(text) ?? false;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Sends a POST of JSON. */
  post(path: string, body: unknown, headers: readonly string[] = []): void {
    const text = JSON.stringify(body);
    const head = [
      `POST ${path} HTTP/1.1`,
      "host: localhost",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(text)}`,
      ...headers,
    ];
    this.send(`${head.join("\r\n")}\r\n\r\n${text}`);
  }

  /** Resolves once `condition` holds or the connection is closed. */
  async until(condition: (text: string) => boolean): Promise<void> {
    while (!condition(this.text) && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve);
      });
    }
  }

  async untilClosed(): Promise<void> {
    await this.until(() => false);
  }

  /** Status codes of all answers so far. */
  get statuses(): readonly number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.untilClosed();
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}
