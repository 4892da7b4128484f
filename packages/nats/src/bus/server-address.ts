// A NATS address as users write it: one or more servers, with a user or a token before the host.

import { LociError } from "@loci/core";

export interface ServerAddress {
  readonly servers: readonly string[];
  readonly user: string | null;
  readonly password: string | null;
  readonly token: string | null;
  readonly isEncrypted: boolean;
}

const serversMax = 16;

/**
 * Reads `nats://[user:password@|token@]host[:port][,host[:port]…]`; `tls://` asks for encryption.
 * @throws LociError config_invalid, without the secrets, for anything else
 */
export function parseServerAddress(text: string): ServerAddress {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length > serversMax) throw invalid(`it names more than ${serversMax} servers`);
  const urls = parts.map((part) => parseOne(part.includes("://") ? part : `nats://${part}`));
  const named = urls.find((url) => url.username !== "");
  const user = named === undefined ? null : decodeURIComponent(named.username);
  const password = named === undefined ? "" : decodeURIComponent(named.password);
  const isToken = user !== null && password === "";
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port === "" ? "4222" : url.port}`),
    user: isToken ? null : user,
    password: isToken || user === null ? null : password,
    token: isToken ? user : null,
    isEncrypted: urls.some((url) => url.protocol === "tls:"),
  };
}

function parseOne(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.hostname === "") throw invalid("it has no host");
  if (url.protocol !== "nats:" && url.protocol !== "tls:") {
    throw invalid("only nats:// and tls:// are spoken here");
  }
  if (!["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== "") {
    throw invalid("it has more than hosts and ports");
  }
  return url;
}

function invalid(reason: string): LociError {
  return new LociError("config_invalid", `This is no address of NATS: ${reason}.`, {
    remedy: "Write nats://HOST:PORT, with USER:PASSWORD@ or TOKEN@ before the host if needed.",
  });
}
