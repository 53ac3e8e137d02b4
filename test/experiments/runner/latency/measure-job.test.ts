import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../../../../base/random.js';
import { measureJob } from '../../../../experiments/runner/latency/measure-job.js';
import { defaultProtocol } from '../../../../latency-models/index.js';
import { choicesOf, createSpace, sampleGenotype } from '../../../../spaces/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('measures more networks than may be open together, each with its own latency, and progress that only grows', async () => {
  const config = { type: 'mobilenet', preset: 'tiny' } as const;
  const task = { input: [28, 28, 1], classes: 10 } as const;
  const space = await createSpace(config, task);
  const random = new Random(1, 'groups');
  const candidates = Array.from({ length: 60 }, (_, seed) => {
    const genotype = sampleGenotype(space, random);
    return { network: space.build(genotype), seed, choices: choicesOf(space.decisions, genotype) };
  });
  const file = join(temporaryFolder(), 'phone.csv');
  const msOf = ({ choices }: (typeof candidates)[number]): number => JSON.stringify(choices).length;
  const rows = candidates.map((candidate) => [...Object.values(candidate.choices), msOf(candidate)].join(','));
  writeFileSync(file, [[...space.decisions.map(({ name }) => name), 'ms'].join(','), ...rows].join('\n'));
  const device = { type: 'table', file, column: 'ms', missing: 'fail' } as const;
  const shares: number[] = [];
  const measured = await measureJob(
    { kind: 'measure', id: 'm', candidates, space: { config, task }, device, protocol: defaultProtocol, profile: true },
    {
      onEvent: (event) => {
        if (event.kind === 'count') shares.push(event.done / event.total);
      },
      signal: new AbortController().signal,
      pause: () => Promise.resolve(),
    },
  );
  expect(measured.map(({ ms }) => ms)).toEqual(candidates.map(msOf));
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
});
