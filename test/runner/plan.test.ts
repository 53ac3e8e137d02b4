import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseExperiment } from '../../experiments/parse/index.js';
import { withWorkersFor } from '../../runner/plan.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { onProcessor } from '../../trainers/index.js';
import { cachedFolder, writeExperiment } from './experiment.js';
import { runInside } from './inside.js';

const directory = cachedFolder();

it('an accelerator has one worker by default; the processor keeps its own', () => {
  const text = `
name: workers
data: { type: fashion-mnist }
space: { type: mobilenet, preset: tiny }
objectives: [{ name: accuracy }, { name: macs }]
search: { trials: 4, parallel: 4 }
`;
  const experiment = parseExperiment('x.yaml', text, { checkFiles: false }).experiment as TrainingExperiment;
  const workersOn = (engine: Parameters<typeof withWorkersFor>[0]): number =>
    withWorkersFor(engine, experiment).search.parallel;
  expect(workersOn(onProcessor)).toBe(4);
  expect(workersOn({ ...onProcessor, provider: 'webgpu' })).toBe(1);
  expect(workersOn({ ...onProcessor, provider: 'cuda', device: '1' })).toBe(1);
});

it('a class weight for a name that is no class is refused before anything trains, with its place in the file', async () => {
  const file = writeExperiment(directory, {
    name: 'names',
    teacher: null,
    train: '{ epochs: 1, class_weight: { Trousers: 2 } }',
  });
  await expect(runInside(file, join(directory, 'names'))).rejects.toMatchObject({
    message: expect.stringMatching(
      /names\.yaml:\d+:\d+.*train\.class_weight.*class_weight names "Trousers", which is no class of the data/s,
    ) as string,
    hint: expect.stringContaining('Did you mean Trouser? The classes are T-shirt/top, Trouser') as string,
  });
});
