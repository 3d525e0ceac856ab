/** All that `pants bench` can run, in the order in which it does. */
import type { Experiment } from "./experiment.js";
import { micros } from "./micro/micro.js";

export const experiments: readonly Experiment[] = [...micros];
