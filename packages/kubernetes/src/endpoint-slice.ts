// What an EndpointSlice says of workers: addresses of pods that are ready, at a named port. Pods that
// are ending are not ready; a router gives them nothing new, and lets their last requests end.

/** Where a service's workers are, as far as one slice knows. */
export interface EndpointSlice {
  readonly name: string;
  /** As workers are addressed: scheme, host and port. */
  readonly urls: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Kubernetes' own bound. */
const endpointsMax = 1000;

/**
 * Reads a slice of the API; null for what is none.
 * @param portName only this port counts; null: a slice's only port
 */
export function readSlice(value: unknown, portName: string | null): EndpointSlice | null {
  if (!isFields(value)) return null;
  const metadata = value["metadata"];
  if (!isFields(metadata)) return null;
  const name = metadata["name"];
  if (typeof name !== "string") return null;
  const port = findPort(value["ports"], portName);
  // Names (addressType FQDN) are deprecated, and could be made to point elsewhere.
  const isLiteral = value["addressType"] === "IPv4" || value["addressType"] === "IPv6";
  if (port === null || !isLiteral) return { name, urls: [] };
  const hosts = listOf(value["endpoints"]).slice(0, endpointsMax).map(readyHost);
  const urls = hosts.filter((host) => host !== null).map((host) => urlOf(host, port));
  return { name, urls: [...new Set(urls)] };
}

/** The version that an object of the API has; null for what is none. */
export function readVersion(value: unknown): string | null {
  const metadata = isFields(value) ? value["metadata"] : null;
  const version = isFields(metadata) ? metadata["resourceVersion"] : null;
  return typeof version === "string" && version !== "" ? version : null;
}

interface Port {
  readonly scheme: "http" | "https";
  readonly number: number;
}

function findPort(value: unknown, portName: string | null): Port | null {
  const ports = listOf(value).filter((port) => (port["protocol"] ?? "TCP") === "TCP");
  const found =
    portName === null && ports.length === 1
      ? ports[0]
      : ports.find((port) => port["name"] === portName);
  const number = found?.["port"];
  if (typeof number !== "number" || !Number.isInteger(number)) return null;
  if (number < 1 || number > 65_535) return null;
  return { scheme: found?.["appProtocol"] === "https" ? "https" : "http", number };
}

/** The pod's address; null unless it is ready. What is not said of readiness means ready. */
function readyHost(endpoint: Fields): string | null {
  const conditions = endpoint["conditions"];
  const isReady = !isFields(conditions) || (conditions["ready"] ?? true) === true;
  const addresses = endpoint["addresses"];
  // All of an endpoint's addresses are the same pod.
  const first: unknown = Array.isArray(addresses) ? addresses[0] : null;
  return isReady && typeof first === "string" ? first : null;
}

function urlOf(host: string, { scheme, number }: Port): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${number}`;
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
