import { readFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { cachedFolder, writeExperiment } from './experiment.js';
import { runInside } from './inside.js';

const root = join(import.meta.dirname, '../..');
const folder = cachedFolder();

const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
const section = text.slice(text.indexOf('## The path of a trial'), text.indexOf('## Processes'));
const [before, list, after] = section.split(/\n\n(?=1\. )|(?<=writes the row\.)\n\n/);
const filesIn = (part: string): string[] => [...part.matchAll(/`([\w/-]+\.ts)`/g)].map(([, file]) => file);

/** Tests run jobs in their own process, without these. */
const ofProcesses = ['local-pool', 'worker-process', 'worker-main'].map((name) => `runner/jobs/${name}.ts`);

/** The files whose functions are called between the end of one trial and the end of the next. */
async function calledByATrial(): Promise<ReadonlySet<string>> {
  const session = new Session();
  session.connect();
  const post = promisify(session.post.bind(session)) as (method: string, options?: object) => Promise<unknown>;
  await post('Profiler.enable');
  const file = writeExperiment(folder, {
    teacher: null,
    train: '{ epochs: 1, batch: 32 }',
    search: '{ controller: surrogate, trials: 3, startup: 2, parallel: 1 }',
    objectives: '[{ name: accuracy }, { name: latency_ms }]',
    latency: '{ calibration: 4 }',
    final: null,
  });
  let coverage: Promise<unknown> | undefined;
  await runInside(file, join(folder, 'run'), {
    observe: (event) => {
      if (event.kind !== 'trial-finished') return;
      if (event.number === 1) void post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
      if (event.number === 2) coverage = post('Profiler.takePreciseCoverage');
    },
  });
  const { result } = (await coverage) as Profiler.TakePreciseCoverageReturnType;
  session.disconnect();
  const called = result.filter(({ functions }) =>
    functions.some(({ functionName, ranges }) => functionName !== '' && ranges[0].count > 0),
  );
  return new Set(called.map(({ url }) => relative(root, url.replace('file://', ''))));
}

it(
  'a trial takes the path that docs/architecture.md describes, of at most 20 files',
  { timeout: 240_000 },
  async () => {
    const path = filesIn(list);
    expect(path.length).toBeGreaterThan(10);
    expect(path.length).toBeLessThanOrEqual(20);
    const called = await calledByATrial();
    expect(path.filter((file) => !ofProcesses.includes(file) && !called.has(file))).toEqual([]);
    const known = new Set([...path, ...filesIn(before), ...filesIn(after)]);
    const others = [...called].filter((file) => file.startsWith('runner/') && !file.startsWith('runner/stored/'));
    expect(others.filter((file) => !known.has(file))).toEqual([]);
  },
);
