// A request goes to a worker under an id of its own, one for each attempt: the request's, a point and
// the number of the attempt. Whoever looks on knows the request's.

export function attemptId(requestId: string, attempt: number): string {
  return `${requestId}.${attempt}`;
}

/** The request that an attempt is for. */
export function requestIdOf(id: string): string {
  return id.replace(/\.\d+$/u, "");
}
