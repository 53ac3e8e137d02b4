import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { createDevice, deviceSchema, measureOne, type MeasurableNetwork } from '../../../latency-models/index.js';
import { choicesOf, genotypeId, sampleGenotype, type Genotype, type Space } from '../../../spaces/index.js';
import { fashionSpace, syntheticLatency } from '../contract.js';
import { temporaryFolder } from '../../support/temporary.js';
import { describeDevice } from './contract.js';
import { small } from './models.js';

const candidate = (choices: MeasurableNetwork['choices']): MeasurableNetwork => ({
  model: () => {
    throw new Error('a table does not ask for models');
  },
  choices,
});

function csv(...lines: readonly string[]): string {
  const file = join(temporaryFolder(), 'latency.csv');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const table = (file: string, options: object = {}, space?: Space) =>
  createDevice(deviceSchema.parse({ type: 'table', file, column: 'pixel', ...options }), space && { space });

const plain = ['kernel,width,pixel,note', '3,8,1.5,a', '5,8,2.5,b', '3,64,40,c'];

describeDevice({
  name: 'table',
  make: () => table(csv(...plain)),
  small: candidate({ kernel: 3, width: 8 }),
  large: candidate({ kernel: 3, width: 64 }),
  impossible: candidate({ kernel: 5, width: 64 }),
  provenance: 'imported',
});

describe('table device', () => {
  it('finds latencies by the names of the decisions, in any order of the columns', async () => {
    const { ms, interval, provenance } = await measureOne(
      table(csv('pixel,note,width,kernel', '7,x,8,3')),
      candidate({ kernel: 3, width: 8 }),
    );
    expect({ ms, interval, provenance }).toEqual({ ms: 7, interval: [7, 7], provenance: 'imported' });
  });

  it.each([
    ['a column that it does not have', plain, { column: 'pixl' }, /no column 'pixl'; did you mean 'pixel'\?/],
    ['a decision without a column', ['width,pixel', '8,1'], {}, /no column 'kernel'/],
    ['a negative latency', [...plain, '7,8,-1,d'], {}, /line 5: column 'pixel' is "-1"; expected a latency above 0/],
    ['a latency that is no number', [...plain, '7,8,fast,d'], {}, /line 5: column 'pixel' is "fast"/],
    ['two rows of the same network', [...plain, '3,8,1.6,d'], {}, /lines 2 and 5 are of the same network/],
    ['no rows', plain.slice(0, 1), {}, /has no rows/],
    ['rows of different length', [...plain, '1,2'], {}, /not a table/],
  ])('refuses %s', async (_, lines, options, message) => {
    const measure = async () => measureOne(table(csv(...lines), options), candidate({ kernel: 3, width: 8 }));
    await expect(measure()).rejects.toThrow(message);
    await expect(measure()).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('refuses a file that is not there, and an ONNX model', async () => {
    expect(() => table(join(temporaryFolder(), 'none.csv'))).toThrow(/cannot be read/);
    await expect(measureOne(table(csv(...plain)), small)).rejects.toThrow(/by the choices of a search, not by an ONNX/);
  });

  it('names the missing network', async () => {
    const failure = measureOne(table(csv(...plain, '9,8,,empty')), candidate({ kernel: 9, width: 8 }));
    await expect(failure).rejects.toThrow(/no latency in column 'pixel' for the network kernel=9, width=8/);
  });
});

describe('a table of a space', () => {
  let space: Space;
  let genotypes: readonly Genotype[];
  let file: string;
  beforeAll(async () => {
    space = await fashionSpace();
    const random = new Random(1, 'table');
    const drawn = Array.from({ length: 60 }, () => sampleGenotype(space, random));
    genotypes = [...new Map(drawn.map((genotype) => [genotypeId(genotype), genotype])).values()];
  });
  const write = (of: readonly Genotype[]): string => {
    const names = space.decisions.map(({ name }) => name);
    const rows = of.map((genotype) => {
      const choices = choicesOf(space.decisions, genotype);
      return [...names.map((name) => String(choices[name])), syntheticLatency(space.build(genotype))].join(',');
    });
    return csv([...names, 'pixel'].join(','), ...rows, [...names.map(() => 'other'), '1'].join(','));
  };
  const of = (genotype: Genotype) => candidate(choicesOf(space.decisions, genotype));

  it('gives the latency of every row, and ignores rows of other spaces', async () => {
    file = write(genotypes);
    const measured = await table(file, {}, space).measureAll(genotypes.slice(0, 20).map(of));
    expect(measured.map(({ provenance }) => provenance)).toEqual(measured.map(() => 'imported'));
    for (const [i, { ms }] of measured.entries())
      expect(ms).toBeCloseTo(syntheticLatency(space.build(genotypes[i])), 9);
  });

  it('predicts networks without a row, marked as predicted', async () => {
    const [missing, ...rows] = genotypes;
    const device = table(write(rows), {}, space);
    const { ms, interval, provenance, reliable, reasons } = await measureOne(device, of(missing));
    const truth = syntheticLatency(space.build(missing));
    expect(Math.abs(ms / truth - 1)).toBeLessThan(0.1);
    expect(interval[0]).toBeLessThan(truth);
    expect(interval[1]).toBeGreaterThan(truth);
    expect({ provenance, reliable }).toEqual({ provenance: 'predicted', reliable: false });
    expect(reasons.join()).toMatch(/predicted from \d+ rows of the table: it has no row of its own/);
  });

  it('predicts nothing with missing: fail', async () => {
    const [missing, ...rows] = genotypes;
    const device = table(write(rows), { missing: 'fail' }, space);
    await expect(measureOne(device, of(missing))).rejects.toThrow(/has no latency in column 'pixel' for the network/);
    expect((await measureOne(device, of(rows[0]))).provenance).toBe('imported');
  });

  it('refuses a table without any network of the space', async () => {
    await expect(measureOne(table(write([]), {}, space), of(genotypes[0]))).rejects.toThrow(
      /none of its 1 rows is a network of the space/,
    );
  });
});
