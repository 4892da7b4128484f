// What one tenant may see of a service: everybody's totals, and of requests, sequences and
// happenings its own.

import type { Happening, ServiceView } from "@loci/core";

/** Null: not known whose. */
export type OwnerOf = (requestId: string) => string | null;

/** `view` without what is others'; how much that is is told. */
export function ownView(view: ServiceView, tenant: string, ownerOf: OwnerOf): ServiceView {
  const requests = view.requests.filter(
    (one) => (ownerOf(one.id) ?? payerOf(one.tenant)) === tenant,
  );
  const sequences = view.sequences.filter((one) => payerOf(one.tenant) === tenant);
  return {
    ...view,
    requests,
    requestsOmitted: view.requestsOmitted + view.requests.length - requests.length,
    sequences,
    sequencesOmitted: view.sequencesOmitted + view.sequences.length - sequences.length,
    happenings: view.happenings.flatMap((one) => ownHappening(one, tenant, ownerOf)),
  };
}

/** What belongs to nobody in particular is shown, without a name. */
function ownHappening(
  happening: Happening,
  tenant: string,
  ownerOf: OwnerOf,
): readonly Happening[] {
  const { requestId } = happening;
  const known = requestId === null ? null : ownerOf(requestId);
  const owner = known ?? (happening.tenant === null ? null : payerOf(happening.tenant));
  if (owner === tenant) return [happening];
  return owner === null ? [{ ...happening, requestId: null }] : [];
}

/** A tenant's caches of one salt each are its own, too. */
export function payerOf(cacheOwner: string): string {
  const slash = cacheOwner.indexOf("/");
  return slash === -1 ? cacheOwner : cacheOwner.slice(0, slash);
}
