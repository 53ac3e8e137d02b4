/**
 * Runs or resumes one search, as `nas run` and `nas resume` do: `large-run.ts <yaml> <workdir> <limit>`. It prints its CPU
 * seconds as lines of JSON and kills itself after `limit` trials.
 */
import { writeSync } from 'node:fs';
import { loadExperiment } from '../../experiments/index.js';
import { runExperiment } from '../../runner/index.js';
import { drawReport } from '../../api/report.js';
// Loaded at the start: the report's time is that of drawing, without the compilation of its sources by tsx.
import '../../ui/index.js';
import { stride, type Mark } from './large-table.js';

const [file = '', workdir = '', limit = ''] = process.argv.slice(2);
let trials = 0;

function mark(at: Mark['at']): void {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const reached: Mark = { at, trials, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, mib: maxRSS / 1024 };
  writeSync(1, `${JSON.stringify(reached)}\n`);
}

let ready = false;
await runExperiment(loadExperiment(file), { workdir, report: drawReport }, (event) => {
  if (event.kind === 'trial-asked' && !ready) {
    ready = true;
    mark('ready');
  }
  if (event.kind !== 'trial-finished') return;
  trials++;
  if (trials % stride === 0) mark('trials');
  if (trials >= Number(limit)) process.kill(process.pid, 'SIGKILL');
});
mark('end');
