import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { tryProvider } from '../../compiler/index.js';
import { loadExperiment } from '../../experiments/parse/index.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { nasInside, expectRefusal } from '../cli/nas.js';
import { drawReport } from '../../api/report.js';
import { cachedFolder, ended, start, writeExperiment } from './experiment.js';
import { findings } from './findings.js';
import { inside } from './inside.js';

const directory = cachedFolder();
const file = writeExperiment(directory);

const command = (workdir: string, ...set: readonly string[]) => [
  'run',
  file,
  '--workdir',
  workdir,
  ...set.flatMap((assignment) => ['--set', assignment]),
];

const refused = (workdir: string, ...set: readonly string[]) => nasInside(command(workdir, ...set));

const quick = ['teacher=none', 'train.epochs=1', 'search.trials=2', 'search.parallel=1', 'final.epochs=1'];

async function untilStarted(workdir: string): Promise<void> {
  while (!existsSync(join(workdir, 'nas.sqlite'))) await sleep(20);
}

const hasCuda = (await tryProvider('cuda')) === null;

describe('a run ends', () => {
  it.skipIf(hasCuda).each(['engine.provider=cuda', 'latency.device={type: local, provider: cuda}'])(
    'with exit code 2 before anything is written when a provider does not work here: %s',
    async (assignment) => {
      const workdir = join(directory, 'no-provider');
      const err = await expectRefusal(
        refused(workdir, ...quick, assignment),
        /the execution provider "cuda" (does not work here: .+|is not available)/,
      );
      expect(err).toContain('nas doctor');
      expect(existsSync(workdir)).toBe(false);
    },
  );

  it('with exit code 3 when no candidate keeps a constraint, saying which; there, another experiment with 2', async () => {
    const workdir = join(directory, 'infeasible');
    await expectRefusal(
      refused(workdir, ...quick, 'objectives.1.constraint={max: 10}'),
      /macs rejected \d+ \(smallest seen \d+, max 10\)/,
      3,
    );
    const before = findings(workdir);
    expect(before).toMatchObject({ status: 'infeasible', trials: [] });
    await expectRefusal(refused(workdir, ...quick, 'objectives.1.constraint={max: 10}', 'seed=8'), 'differs in seed');
    expect(findings(workdir)).toEqual(before);
  });

  it(
    'with exit code 130 at the first Ctrl-C; meanwhile another is refused with 4; resumed, it is complete',
    { timeout: 200_000 },
    async () => {
      const workdir = join(directory, 'interrupted');
      const long = quick.map((set) => (set.startsWith('train') ? 'train.epochs=3' : set));
      const child = start(directory, command(workdir, ...long));
      const over = ended(child);
      await untilStarted(workdir);
      await expectRefusal(nasInside(['resume', workdir]), `process ${String(child.pid)}`, 4);
      child.kill('SIGINT');
      const first = await over;
      expect(first).toMatchObject({ code: 130, output: expect.stringContaining('nas resume') as string });
      expect(findings(workdir).status).toBe('interrupted');
      await resumeExperiment(workdir, { workers: inside }, () => undefined);
      expect(findings(workdir)).toMatchObject({
        status: 'complete',
        trials: [{ state: 'complete' }, { state: 'complete' }],
      });
    },
  );

  it('with exit code 2 before anything is written when data or workdir are bad', async () => {
    const empty = join(directory, 'empty');
    await expectRefusal(refused(empty, `data.path=${join(directory, 'nowhere')}`), 'there is no file or folder');
    writeFileSync(join(directory, 'a-file'), '');
    await expectRefusal(refused(join(directory, 'a-file', 'workdir'), ...quick), 'cannot be written');
    expect(existsSync(empty)).toBe(false);
  });

  it('with exit code 1 when every training diverges, saying why, and keeps what was found', async () => {
    const workdir = join(directory, 'diverging');
    const set = [...quick, 'train.optimizer={type: sgd, learning_rate: 1.0e+30}'];
    const options = { workdir, workers: inside, report: drawReport };
    const run = runExperiment(loadExperiment(file, { set }), options, () => undefined);
    await expect(run).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/all 2 trials failed; trial 0: .*(loss|diverge|finite)/i) as string,
    });
    expect(existsSync(join(workdir, 'report.html'))).toBe(true);
    const { status, trials } = findings(workdir);
    expect(status).toBe('failed');
    expect(trials.map(({ state }) => state)).toEqual(['failed', 'failed']);
    expect(trials[0].message).toMatch(/loss|diverge|finite/i);
  });
});
