import { CpuBackend } from "../cpu-backend.ts";
import { backendConformance } from "./backend.suite.ts";

backendConformance("CPU", () => new CpuBackend(2));
