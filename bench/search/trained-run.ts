/**
 * Runs a search whose trainings cost nothing, as `nas run` does: `trained-run.ts <yaml> <workdir> <out>`. It writes the
 * time of each ask, its network, and the resources of this process, to a file of JSON.
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
// Times of asks are those of the processor, whatever else the machine does.
const wall = performance.now.bind(performance);
performance.now = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const asks: number[] = [];
const networks: string[] = [];
/** When each trial ended, in seconds. */
const ends: number[] = [];
await runExperiment(loadExperiment(file), { workdir }, (event) => {
  if (event.kind === 'trial-asked') {
    asks.push(event.askMs);
    networks.push(event.genotypeId);
  }
  if (event.kind === 'trial-finished') ends.push(wall() / 1000);
});
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const run: TrainedRun = { asks, networks, ends, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, mib: maxRSS / 1024 };
writeFileSync(out, JSON.stringify(run));
