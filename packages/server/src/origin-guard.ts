// Keeps web pages out. A page can make a browser call a loopback server, by its own name rebound
// to 127.0.0.1 (seen in Host) or from another site (seen in Origin); neither passes unless named.

import type { IncomingHttpHeaders } from "node:http";
import { BlockList, isIP } from "node:net";
import { LociError } from "@loci/core";

export interface OriginGuardOptions {
  readonly corsOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether `host` (a name or address, without brackets or port) is this machine only. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const version = isIP(name);
  return version !== 0 && loopback.check(name, version === 4 ? "ipv4" : "ipv6");
}

export class OriginGuard {
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  /** Set once the server listens on a loopback address. */
  loopbackOnly = false;

  constructor(options: OriginGuardOptions) {
    this.#origins = new Set(options.corsOrigins);
    this.#hosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  }

  /** Throws `forbidden` for a foreign Host (on loopback) or Origin. */
  check(headers: IncomingHttpHeaders): void {
    if (this.loopbackOnly && !this.#hostAllowed(headers.host ?? "")) {
      throw new LociError("forbidden", "This host name is not served here.", {
        remedy: "Use localhost, or name it with --allowed-host.",
      });
    }
    const { origin } = headers;
    if (origin === undefined || this.allowsOrigin(origin)) return;
    if (origin === `http://${headers.host}` || origin === `https://${headers.host}`) return;
    throw new LociError("forbidden", "Calls from this web origin are not allowed.", {
      remedy: "Name it with --cors-origin.",
    });
  }

  allowsOrigin(origin: string): boolean {
    return this.#origins.has(origin) || this.#origins.has("*");
  }

  #hostAllowed(header: string): boolean {
    const match = /^(?:\[([^\]]+)\]|([^:]*))(?::\d{1,5})?$/.exec(header);
    const host = match?.[1] ?? match?.[2] ?? "";
    return isLoopbackHost(host) || this.#hosts.has(host.toLowerCase());
  }
}
