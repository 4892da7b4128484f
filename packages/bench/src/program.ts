// The benchmark commands, composed.

import { Command } from "commander";
import type { Clock } from "@loci/core";
import { registerAdmission } from "./admission/admission-command.ts";
import { registerAttentionBench } from "./attention/attention-command.ts";
import { registerCluster } from "./cluster/cluster-command.ts";
import { registerEngine } from "./engine/engine-command.ts";
import { registerServe } from "./load/serve-command.ts";
import { registerMakeModel } from "./model-files/make-model-command.ts";
import { registerMultiturn } from "./multiturn/multiturn-command.ts";
import { registerRounds } from "./multiturn/rounds-command.ts";
import { registerBuildPeer } from "./peer/peer-binary.ts";
import { registerPredictor } from "./predictor/predictor-command.ts";
import { registerPredictorProbe } from "./predictor-probe/predictor-probe-command.ts";
import { registerProbe } from "./probe/probe-command.ts";
import { registerRetention } from "./retention/retention-command.ts";
import { registerRestart } from "./restart/restart-command.ts";
import { registerRouter } from "./router/router-command.ts";
import { registerStart } from "./start/start-command.ts";
import { registerAhead } from "./tiered/ahead-command.ts";
import { registerGap } from "./tiered/gap-command.ts";
import { registerOverhead } from "./tiered/overhead-command.ts";
import { registerRestore } from "./tiered/restore-command.ts";
import { registerTiers } from "./tiers/tiers-command.ts";

/** The program behind `npm run bench`. */
export function benchProgram(clock: Clock): Command {
  // Before any verb is added: they inherit it. Main turns what is thrown into exit codes.
  const program = new Command("bench").exitOverride().showHelpAfterError("(--help shows more)");
  program.description("measurements of loci, each with the bars it must meet");
  registerAdmission(program, clock);
  registerAttentionBench(program, clock);
  registerCluster(program, clock);
  registerEngine(program, clock);
  registerServe(program, clock);
  registerProbe(program, clock);
  registerPredictor(program, clock);
  registerPredictorProbe(program, clock);
  registerRetention(program, clock);
  registerStart(program, clock);
  registerMultiturn(program, clock);
  registerRounds(program, clock);
  registerRestore(program, clock);
  registerRestart(program, clock);
  registerRouter(program, clock);
  registerGap(program, clock);
  registerAhead(program, clock);
  registerOverhead(program, clock);
  registerTiers(program, clock);
  registerMakeModel(program);
  registerBuildPeer(program);
  return program;
}
