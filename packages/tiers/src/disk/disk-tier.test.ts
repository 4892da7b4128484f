import { describeTier } from "../tier.suite.ts";

for (const mode of ["auto", "portable", "staged"] as const) {
  for (const fsync of ["never", "segment", "always"] as const) {
    describeTier(`disk, ${mode}, fsync ${fsync}`, { mode }, (rig) => rig.diskTier({ fsync }));
  }
}
