import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

/**
 * Kills a run again and again: `npm run test:kills`, or `npm run test:kills -- --queue` one whose jobs are done by workers
 * of a queue, or with `--study` a program that asks a study and tells it. `--kills` says how often (25), `--seed` chooses other kills of the queue's.
 */
const { values } = parseArgs({
  options: {
    queue: { type: 'boolean', default: false },
    study: { type: 'boolean', default: false },
    kills: { type: 'string', default: '25' },
    seed: { type: 'string' },
  },
});
const file = values.queue
  ? 'workers/reliability/kill-and-resume.'
  : values.study
    ? 'runner/study-kills.'
    : 'runner/kill-and-resume.';
const { status } = spawnSync('vitest', ['run', '--project', 'cpu', '--project', 'slow', `test/${file}`], {
  stdio: 'inherit',
  env: {
    ...process.env,
    NAS_KILLS: values.kills,
    ...(values.seed !== undefined && { NAS_KILLS_SEED: values.seed }),
  },
});
process.exitCode = status ?? 1;
