// Which addresses may be dialled when it was not us who wrote them down: workers that announce
// themselves, and peers that blocks are fetched from. Only literal addresses inside networks that
// the operator named pass, so no name can be made to point elsewhere later, plus names that the
// operator wrote down himself. What serves machines rather than workers never passes.

import { BlockList, isIP } from "node:net";
import { LociError } from "@loci/core";
import { parseWorkerAddress } from "./worker-address.ts";
import type { WorkerAddress } from "./worker-address.ts";

/** Link-local (where clouds keep their metadata), unspecified, multicast and broadcast. */
const neverDialled = [
  "169.254.0.0/16",
  "0.0.0.0/8",
  "224.0.0.0/3",
  "fe80::/10",
  "::/128",
  "ff00::/8",
  "fd00:ec2::/32",
];

export class AddressPolicy {
  readonly #allowed = new BlockList();
  readonly #denied = new BlockList();
  readonly #hosts = new Set<string>();
  readonly #sockets: boolean;

  /**
   * `networks`: as `10.0.0.0/8`, single addresses, or names of hosts; `unix` lets sockets of this
   * machine pass. Throws config_invalid for what is none of them.
   */
  constructor(networks: readonly string[]) {
    for (const network of neverDialled) addNetwork(this.#denied, network);
    this.#sockets = networks.includes("unix");
    for (const entry of networks) {
      if (entry === "unix") continue;
      if (/^[a-z0-9.-]+$/i.test(entry) && isIP(entry) === 0) this.#hosts.add(entry.toLowerCase());
      else addNetwork(this.#allowed, entry);
    }
  }

  /** The address, if it may be dialled. Throws config_invalid for what is none, or forbidden. */
  check(url: string): WorkerAddress {
    const address = parseWorkerAddress(url);
    if (this.#allows(address)) return address;
    throw new LociError("forbidden", `Workers at '${address.url}' are not allowed.`, {
      remedy: "Name their network in --worker-network.",
    });
  }

  #allows({ socketPath, host }: WorkerAddress): boolean {
    if (socketPath !== null) return this.#sockets;
    const literal = host.replace(/^\[|\]$/g, "");
    const version = isIP(literal);
    if (version === 0) return this.#hosts.has(host.toLowerCase());
    const family = version === 4 ? "ipv4" : "ipv6";
    return this.#allowed.check(literal, family) && !this.#denied.check(literal, family);
  }
}

function addNetwork(list: BlockList, entry: string): void {
  const [address = "", bits, ...rest] = entry.split("/");
  const version = isIP(address);
  const prefixMax = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? prefixMax : Number(bits);
  const isWhole = Number.isInteger(prefix) && prefix >= 0 && prefix <= prefixMax && bits !== "";
  if (version === 0 || rest.length > 0 || !isWhole) {
    throw new LociError("config_invalid", `'${entry}' is no network.`, {
      remedy: "Write ADDRESS/BITS, e.g. 10.0.0.0/8.",
    });
  }
  list.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
}
