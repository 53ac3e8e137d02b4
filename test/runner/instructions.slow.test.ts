import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { loadExperiment } from '../../experiments/index.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { type RunEvent } from '../../runner/events.js';
import { describeWith } from '../deploy/edge/c/support/compilers.js';
import { testAgent } from '../latency-models/devices/agents.js';
import { testBoard } from '../latency-models/devices/boards.js';
import { temporaryFolder } from '../support/temporary.js';
import { cachedFolder, reading, writeExperiment, writeEvaluated, type ExperimentParts } from './experiment.js';
import { findings } from './findings.js';
import { estimateRun } from '../../runner/estimate.js';
import type { Job } from '../../runner/jobs/jobs.js';
import { inside, insideWith } from './inside.js';

const folder = cachedFolder();
const module = 'export default ({ genotype }) => ({ accuracy: 1 - 1 / (2 + genotype.reduce((a, b) => a + b, 0)) });';

const experiment = (changes: ExperimentParts = {}): string =>
  writeEvaluated(folder, module, {
    name: 'counted',
    objectives: '[accuracy, instructions]',
    constraints: '{ board: stm32f446re }',
    search: '{ controller: random, trials: 3 }',
    ...changes,
  });

describeWith(['arm-none-eabi-gcc', 'qemu-system-arm'], 'instructions as an objective', () => {
  it('are whole numbers, the same in each run, and no latencies', async () => {
    const loaded = loadExperiment(experiment());
    const valuesIn = async (workdir: string) => {
      await runExperiment(loaded, { workdir, workers: inside }, () => undefined);
      return findings(workdir).trials.map(({ values }) => values);
    };
    const [first, second] = [await valuesIn(join(folder, 'one')), await valuesIn(join(folder, 'two'))];
    expect(second).toEqual(first);
    for (const values of first) {
      expect(values['instructions'].provenance).toBe('computed');
      expect(Number.isInteger(values['instructions'].value)).toBe(true);
      expect(values['instructions'].value).toBeGreaterThan(1000);
      expect(values).not.toHaveProperty('latency_ms');
    }
  });

  it('are counted for the estimate of a run, which measures no latency', async () => {
    const kinds: Job['kind'][] = [];
    const file = experiment({ name: 'estimated', evaluate: null, train: '{ epochs: 1, batch: 32 }' });
    const estimate = await estimateRun(loadExperiment(file), {
      observe: () => undefined,
      signal: new AbortController().signal,
      sample: { networks: 1, seconds: 0.1 },
      workers: () => insideWith(kinds),
    });
    expect(estimate?.search).toBeGreaterThan(0);
    expect(kinds).toEqual(['train', 'instructions']);
  });

  it('are stored with the versions of compiler and QEMU; a run that goes on with others says so', async () => {
    const workdir = join(folder, 'one');
    const { runtime } = reading(workdir, ({ run }) => run.get().environment) as { readonly runtime: string };
    expect(runtime).toMatch(/^onnxruntime-node .*, arm-none-eabi-gcc .*, QEMU emulator version \d/);
    const bin = temporaryFolder();
    const script =
      '#!/bin/sh\n[ "$1" = --version ] && echo gcc 99 && exit\nPATH="${PATH#*:}" exec arm-none-eabi-gcc "$@"\n';
    writeFileSync(join(bin, 'arm-none-eabi-gcc'), script, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`);
    const events: RunEvent[] = [];
    await resumeExperiment(workdir, { trials: '+1', workers: inside }, (event) => events.push(event));
    const message = expect.stringMatching(/ arm-none-eabi-gcc .*, now .*, gcc 99, QEMU/) as string;
    expect(events).toContainEqual({ kind: 'note', message });
  });

  it('a board behind an agent has no float32 to compare', async () => {
    const agent = await testAgent({ device: testBoard().device });
    const file = writeExperiment(folder, {
      name: 'compared',
      teacher: null,
      search: '{ controller: random, trials: 1 }',
      compress: '{ int8: auto }',
      latency: `{ device: { type: agent, url: "${agent.address}" }, predictor: none }`,
      objectives: '[accuracy, latency_ms]',
    });
    const workdir = join(folder, 'compared');
    const run = runExperiment(loadExperiment(file), { workdir, workers: inside }, () => undefined);
    await expect(run).rejects.toThrow('runs the int8 program alone');
  });
});
