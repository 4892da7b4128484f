// What a process of ours tells its caller.

export const exitCodes = {
  ok: 0,
  /** It was understood, but did not work; also a doctor's finding or a missed bar. */
  failed: 1,
  /** The command line, the environment or the configuration file is wrong. */
  usage: 2,
  /** Stopped by a second Ctrl+C. */
  interrupted: 130,
} as const;
