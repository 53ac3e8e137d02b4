import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cachedFolder, drawLatencies, type ExperimentParts, writeEvaluated } from '../experiment.js';
import { runInside } from '../inside.js';

const folder = cachedFolder();

/** Goes through the space; the reason counts the different functions of cheap objectives so far. */
const controller = `export default ({ space }) => {
  const seen = new Set();
  const genotypeAt = (i) => {
    let rest = i;
    return space.canonical(space.decisions.map(({ choices: { length } }) => {
      const index = rest % length;
      rest = Math.floor(rest / length);
      return index;
    }));
  };
  return {
    ask: ({ cheap, history, pending }) => {
      seen.add(cheap);
      const known = new Set([...history.map(({ genotype }) => genotype), ...pending].map(String));
      for (let i = 0; i < 10_000; i++)
        if (!known.has(String(genotypeAt(i)))) return { genotype: genotypeAt(i), reason: String(seen.size) };
    },
  };
};
`;

/** How many functions the controller has seen at each ask. */
async function functionsSeen(name: string, changes: ExperimentParts): Promise<number[]> {
  writeFileSync(join(folder, 'controller.mjs'), controller);
  const file = writeEvaluated(folder, 'export default ({ seed }) => ({ accuracy: (seed % 97) / 97 });', {
    name,
    search: '{ controller: { type: module, path: ./controller.mjs }, trials: 20, parallel: 2 }',
    ...changes,
  });
  const { expected } = await runInside(file, join(folder, 'runs', name));
  return expected.trials.map(({ reason }) => Number(reason));
}

it('are one function for the whole run while they are exact', async () => {
  const seen = await functionsSeen('exact', { objectives: '[accuracy, macs]' });
  expect(seen).toEqual(Array.from({ length: 20 }, () => 1));
});

it('are another function only when the latency model is fitted again', async () => {
  writeFileSync(join(folder, 'latencies.csv'), (await drawLatencies(40)).table);
  const seen = await functionsSeen('predicted', {
    objectives: '[accuracy, latency_ms]',
    latency: '{ device: { type: table, file: ./latencies.csv, column: pixel, missing: predict }, calibration: 4 }',
  });
  // Fitted to 0 to 10, 12, 14 and 16 trials.
  expect(seen.at(-1)).toBe(14);
  expect(new Set(seen.slice(0, 8)).size).toBeGreaterThan(5);
});
