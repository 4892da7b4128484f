// The shell around core's pure configuration: reads the environment and the files it names.

import { configFilePath, LociError, resolveConfig } from "@loci/core";
import type { Config, ConfigSources, ResolvedConfig } from "@loci/core";
import { readBounded } from "@loci/host/read-bounded";

const configFileBytesMax = 1024 * 1024;
const keyFileBytesMax = 1024 * 1024;

/** Resolves flags, environment, the file and defaults; LociError config_invalid. */
export async function loadConfig(
  flags: ConfigSources["flags"],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ResolvedConfig> {
  const path = configFilePath({ flags, environment });
  const file =
    path === null
      ? null
      : { path, text: await readBounded("The configuration file", path, configFileBytesMax) };
  return resolveConfig({ flags, environment, file });
}

/** All API keys: those given and those in the key file, without duplicates. */
export async function loadApiKeys(config: Config): Promise<readonly string[]> {
  if (config.apiKeyFile === null) return config.apiKeys;
  const text = await readBounded("The file of API keys", config.apiKeyFile, keyFileBytesMax);
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length > 0) return [...new Set([...config.apiKeys, ...keys])];
  // A file without a key would quietly leave the server open.
  throw new LociError("config_invalid", `The file of API keys ${config.apiKeyFile} holds no key.`, {
    remedy: "Write one key on each line, or leave out --api-key-file.",
  });
}
