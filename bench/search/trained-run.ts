/**
 * Runs a search whose trainings cost nothing, as `nas run` does: `trained-run.ts <yaml> <workdir> <out>`. It writes the
 * time of each ask, and the resources of this process, to a file of JSON.
 */
import { writeFileSync } from 'node:fs';
import type * as Experiments from '../../experiments/index.js';
import type * as Runner from '../../runner/index.js';
import type { TrainedRun } from './trained.js';

// The code that the command runs: TypeScript that is compiled on the fly is slower, and takes memory.
const built = (room: string): string => new URL(`../../dist/${room}/index.js`, import.meta.url).href;
const { loadExperiment } = (await import(built('experiments'))) as typeof Experiments;
const { runExperiment } = (await import(built('runner'))) as typeof Runner;
const [file = '', workdir = '', out = ''] = process.argv.slice(2);
const asks: number[] = [];
/** When each trial ended, in seconds. */
const ends: number[] = [];
await runExperiment(loadExperiment(file), { workdir }, (event) => {
  if (event.kind === 'trial-asked') asks.push(event.askMs);
  if (event.kind === 'trial-finished') ends.push(performance.now() / 1000);
});
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const run: TrainedRun = { asks, ends, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, mib: maxRSS / 1024 };
writeFileSync(out, JSON.stringify(run));
