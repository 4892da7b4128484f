// The secret that the processes of a cluster share, from the file that the settings name.

import { LociError } from "@loci/core";
import type { Config } from "@loci/core";
import { ClusterKey } from "@loci/cluster";
import { readBounded } from "@loci/host/read-bounded";

const fileBytesMax = 4096;

export interface LoadedClusterKey {
  readonly key: ClusterKey | null;
  /** In plain. */
  readonly text: string | null;
}

/** Nulls without `--cluster-key-file`. LociError config_invalid for a file without a usable key. */
export async function loadClusterKey({
  clusterKeyFile,
}: Pick<Config, "clusterKeyFile">): Promise<LoadedClusterKey> {
  if (clusterKeyFile === null) return { key: null, text: null };
  const text = (await readBounded("The cluster key", clusterKeyFile, fileBytesMax)).trim();
  if (text === "") {
    throw new LociError("config_invalid", `${clusterKeyFile} holds no cluster key.`, {
      remedy: "Write a secret of 16 characters or more into it.",
    });
  }
  return { key: new ClusterKey(text), text };
}

/** Without a key anybody could announce a worker. */
export function needsKey(setting: string): LociError {
  return new LociError("config_invalid", `${setting} needs a cluster key.`, {
    remedy: "Give --cluster-key-file a file with a secret of 16 characters or more.",
  });
}
