// What a process of ours tells its caller.

export const exitCodes = {
  ok: 0,
  /** It was understood, but did not work; also a doctor's finding or a missed bar. */
  failed: 1,
  /** The command line, the environment or the configuration file is wrong. */
  usage: 2,
  /** Stopped by Ctrl+C or a signal before it was done. */
  interrupted: 130,
} as const;

type ExitCodeName = keyof typeof exitCodes;

interface ExitCodeMeaning {
  /** In two or three words, for `--help`. */
  readonly brief: string;
  /** A sentence for the manual. */
  readonly meaning: string;
}

/** For help and manual. */
export const exitCodeMeanings: Readonly<Record<ExitCodeName, ExitCodeMeaning>> = {
  ok: { brief: "done", meaning: "What was asked is done." },
  failed: {
    brief: "failed",
    meaning:
      "It was understood but did not work: no server answered, a file is missing, `doctor` found " +
      "a failure, `bench` missed a bar. Standard error says why and what to do.",
  },
  usage: {
    brief: "wrong usage or settings",
    meaning:
      "The command line, an environment variable or the configuration file is wrong. Nothing was done.",
  },
  interrupted: {
    brief: "interrupted",
    meaning:
      "Ended before it was done, by Ctrl+C or a signal. A server that stops in order returns 0.",
  },
};

/** One line for the end of `loci --help`. */
export function exitCodeLine(): string {
  const names = Object.keys(exitCodes).filter((name) => isExitCodeName(name));
  const parts = names.map((name) => `${exitCodes[name]} ${exitCodeMeanings[name].brief}`);
  return `Exit codes: ${parts.join(", ")}.`;
}

/** In the order of the numbers. */
export function exitCodeRows(): readonly (readonly [code: number, meaning: string])[] {
  const names = Object.keys(exitCodes).filter((name) => isExitCodeName(name));
  return names.map((name) => [exitCodes[name], exitCodeMeanings[name].meaning] as const);
}

function isExitCodeName(name: string): name is ExitCodeName {
  return Object.hasOwn(exitCodes, name);
}
