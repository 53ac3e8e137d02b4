import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { builtModule } from '../../../base/processes.js';
import { teacherSchema, trainSchema } from '../../../trainers/index.js';
import { auto, sharedWorkbench, tinyTrain } from '../support/tiny-training.js';

const bench = sharedWorkbench();

const config = teacherSchema.parse({ type: 'train', network: 'resnet', width: 0.25, epochs: 1, batch: 32 });
const train = trainSchema.parse({ ...tinyTrain, epochs: 1, loss: { type: 'kd' } });

/** A process that prepares the teacher and says what happens: at `stop` it stands still until its input ends. */
function prepare(cache: string, stop: 'training' | 'logits' | 'nowhere'): { process: ChildProcess; said: string[] } {
  const options = { dataset: bench.dataset, train, seed: 11, engine: auto, threads: 1, cache };
  const module = builtModule('trainers/index.js').href;
  const code = `import { prepareTeacher } from ${JSON.stringify(module)};
    const say = (what) => process.stdout.write(what + '\\n');
    const stop = ${JSON.stringify(stop)};
    let doing = 'training';
    let steps = 0;
    const pause = async () => {
      if (++steps !== 2 || doing !== stop) return;
      say('standing');
      await new Promise((resolve) => process.stdin.on('end', resolve).resume());
    };
    const hooks = {
      pause,
      onEpoch: () => { say('trained'); doing = 'logits'; steps = 0; },
      onLogits: (done, total) => done === total && say('asked'),
      onNote: (message) => say('note: ' + message),
    };
    const teacher = await prepareTeacher(${JSON.stringify(config)}, { ...${JSON.stringify(options)}, hooks });
    say('hash ' + teacher.hash + ' ' + teacher.logits.file);
    process.exit(0);`;
  const process = spawn(globalThis.process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  createInterface({ input: process.stdout }).on('line', (line) => said.push(line));
  return { process, said };
}

async function hears(said: readonly string[], what: RegExp): Promise<void> {
  await expect.poll(() => said.join('\n'), { interval: 20 }).toMatch(what);
}

test.each(['training', 'logits'] as const)(
  'a second run waits for the first in its %s, says so and uses what it made',
  async (stop) => {
    const cache = join(bench.folder, `shared-${stop}`);
    const first = prepare(cache, stop);
    await hears(first.said, /standing/);
    const second = prepare(cache, 'nowhere');
    await hears(second.said, /note: process \d+ .* is making .*: waiting for it|^hash/m);
    first.process.stdin?.end();
    const codes = await Promise.all(
      [first, second].map(async ({ process }) => (await once(process, 'exit')) as [number]),
    );
    expect(codes.map(([code]) => code)).toEqual([0, 0]);
    expect(second.said.join('\n')).toMatch(/waiting for it/);
    expect([...first.said, ...second.said].filter((line) => line === 'trained' || line === 'asked').sort()).toEqual([
      'asked',
      'trained',
    ]);
    expect(second.said.at(-1)).toBe(first.said.at(-1));
  },
);

test('a run goes on where another died', async () => {
  const cache = join(bench.folder, 'died');
  const first = prepare(cache, 'logits');
  await hears(first.said, /standing/);
  const second = prepare(cache, 'nowhere');
  await hears(second.said, /note: .* is making the logits of resnet/);
  first.process.kill('SIGKILL');
  const [code] = (await once(second.process, 'exit')) as [number];
  expect(code).toBe(0);
  expect(second.said).toContain('asked');
  expect(second.said).not.toContain('trained');
  expect(readdirSync(join(cache, 'teachers')).filter((name) => name.endsWith('.part'))).toEqual([]);
});
