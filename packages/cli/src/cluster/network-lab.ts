// A network of its own for tests: hosts as network namespaces on a bridge, whose cables can be cut.
// Linux only, and only for root.

import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";

import { assert } from "@loci/core";

/** Null when such networks can be made here; else why not. */
export function networkLabMissing(): string | null {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  try {
    ip("netns", "list");
    return null;
  } catch {
    return "needs the program ip";
  }
}

export class NetworkLab implements Disposable {
  readonly #name: string;
  readonly #network: string;
  readonly #processes: ChildProcess[] = [];
  #hosts = 0;

  /** The test's own process gets the first address. */
  constructor() {
    this.#name = `loci${process.pid}`;
    this.#network = `10.199.${process.pid % 250}`;
    ip("link", "add", this.#bridge, "type", "bridge");
    ip("address", "add", `${this.#network}.1/24`, "dev", this.#bridge);
    ip("link", "set", this.#bridge, "up");
  }

  /** Adds a host; returns its number, from 0. */
  addHost(): number {
    const host = this.#hosts++;
    assert(host < 100, "few hosts");
    const cable = this.#cable(host);
    ip("netns", "add", this.#space(host));
    ip("link", "add", cable, "type", "veth", "peer", "eth0", "netns", this.#space(host));
    ip("link", "set", cable, "master", this.#bridge, "up");
    this.#inside(host, "address", "add", `${this.addressOf(host)}/24`, "dev", "eth0");
    this.#inside(host, "link", "set", "lo", "up");
    this.#inside(host, "link", "set", "eth0", "up");
    return host;
  }

  addressOf(host: number): string {
    return `${this.#network}.${host + 10}`;
  }

  /** Starts a program of Node there. */
  start(host: number, args: readonly string[]): ChildProcess {
    const child = spawn("ip", ["netns", "exec", this.#space(host), process.execPath, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#processes.push(child);
    return child;
  }

  /** Nothing passes any more, and nobody is told. */
  cut(host: number): void {
    ip("link", "set", this.#cable(host), "down");
  }

  heal(host: number): void {
    ip("link", "set", this.#cable(host), "up");
  }

  /** The host hears everything and can say nothing to the test's process. */
  mute(host: number): void {
    this.#inside(host, "route", "add", "blackhole", `${this.#network}.1/32`);
  }

  unmute(host: number): void {
    this.#inside(host, "route", "del", "blackhole", `${this.#network}.1/32`);
  }

  [Symbol.dispose](): void {
    for (const child of this.#processes) child.kill("SIGKILL");
    for (let host = 0; host < this.#hosts; host++) {
      ip("link", "del", this.#cable(host));
      ip("netns", "del", this.#space(host));
    }
    ip("link", "del", this.#bridge);
  }

  #inside(host: number, ...args: readonly string[]): void {
    ip("-netns", this.#space(host), ...args);
  }

  #space(host: number): string {
    return `${this.#name}-${host}`;
  }

  // Names of devices have at most 15 characters.
  #cable(host: number): string {
    return `${this.#name}h${host}`;
  }

  get #bridge(): string {
    return `${this.#name}b`;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", [...args], { stdio: "pipe" });
}
