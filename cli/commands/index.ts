import type { Command } from '../command.js';
import { agent } from './agent.js';
import { bench } from './bench/index.js';
import { devices } from './devices.js';
import { doctor } from './doctor.js';
import { evaluate } from './evaluate.js';
import { exportTrials } from './export.js';
import { init } from './init.js';
import { latency } from './latency/index.js';
import { pareto } from './pareto.js';
import { quantize } from './quantize.js';
import { resume } from './resume.js';
import { run } from './run.js';
import { serve } from './serve.js';
import { shrink } from './shrink.js';
import { show } from './show.js';
import { space } from './space.js';
import { specialize } from './specialize.js';
import { status } from './status.js';
import { trials } from './trials.js';
import { ui } from './ui.js';
import { validate } from './validate.js';
import { workers } from './workers.js';
import { worker } from './worker.js';

/** Every verb, in the order in which people meet them. */
export const commands: readonly Command[] = [
  init,
  validate,
  space,
  run,
  resume,
  status,
  ui,
  trials,
  show,
  pareto,
  specialize,
  shrink,
  exportTrials,
  evaluate,
  quantize,
  serve,
  devices,
  agent,
  worker,
  workers,
  latency,
  bench,
  doctor,
];
