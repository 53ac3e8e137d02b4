import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { parseDevice, parseRunDevice } from '../../cli/arguments/device.js';
import { parseSpace } from '../../cli/arguments/space.js';
import { integerArithmetic } from '../../compiler/index.js';
import { readLatencyModel } from '../../runner/latency/given-model.js';
import { describeEnvironment, selectCalibration } from '../../latency-models/index.js';
import { byteModel } from '../compiler/support/byte-models.js';
import { classifier, small } from '../latency-models/devices/models.js';
import { nasInside, expectRefusal, nasOut } from './nas.js';
import { storedRun } from './stored-run.js';
import { sharedFolder } from '../support/temporary.js';

const folder = sharedFolder();
const workdir = join(folder, 'run');
const write = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const model = write('model.onnx', small);
beforeAll(() => storedRun(workdir, 2));

describe('--device', () => {
  it('is a type, a type with keys, or a file with relative paths', () => {
    expect(parseDevice('local')).toMatchObject({ type: 'local', threads: 1 });
    expect(parseDevice('local:threads=2,batch=8')).toMatchObject({ threads: 2, batch: 8 });
    const plain = write('phone.yaml', 'type: table\nfile: phone.csv\ncolumn: pixel3\n');
    expect(parseDevice(plain)).toMatchObject({ file: join(folder, 'phone.csv'), missing: 'predict' });
    const experiment = write('experiment.yaml', 'name: x\nlatency: {device: {threads: 2}}\n');
    expect(parseDevice(experiment)).toMatchObject({ type: 'local', threads: 2 });
    expect(parseDevice('agent:url=http://10.0.0.2:7700')).toMatchObject({ url: 'http://10.0.0.2:7700' });
  });

  it('is a worker of a queue only in runs', async () => {
    expect(parseRunDevice('worker:tag=pi5,threads=4')).toMatchObject({ type: 'worker', tag: 'pi5', threads: 4 });
    const refusal = 'workers with the tag pi5 are measured on by runs with a queue of workers, not from here';
    expect(() => parseDevice('worker:tag=pi5')).toThrow(refusal);
    const err = await expectRefusal(
      nasInside(['latency', 'measure', model, '--device', 'worker:tag=pi5', '--batch', '2']),
      refusal,
    );
    expect(err).toContain('nas agent');
  });

  it.each([
    ['worker', 'tag'],
    ['lokal', "there is no device type 'lokal'; did you mean 'local'?"],
    ['local:threads', "expected key=value after the colon, got 'threads'"],
    ['local:threads=none', 'threads'],
    ['local:cores=2', 'Unrecognized key: "cores"'],
    ['agent:url=somewhere', 'is not an address like http://'],
    [join(folder, 'none.yaml'), 'cannot be read'],
  ])('refuses %s', (argument, message) => {
    expect(() => parseDevice(argument)).toThrow(message);
  });
});

describe('nas latency measure', () => {
  it('measures each batch, and stores every sample', async () => {
    const output = join(folder, 'samples.json');
    const out = await nasOut('latency', 'measure', model, '--batch', '1,4', '-o', output, '--json');
    const printed = JSON.parse(out) as { measurements: { batch: number; imagesPerSecond: number; runs: number }[] };
    expect(printed.measurements.map(({ batch }) => batch)).toEqual([1, 4]);
    const stored = JSON.parse(readFileSync(output, 'utf8')) as { measurements: { ms: number; samples: number[] }[] };
    for (const [i, { samples, ms }] of stored.measurements.entries()) {
      expect(samples).toHaveLength(printed.measurements[i].runs);
      expect(printed.measurements[i].imagesPerSecond).toBeCloseTo((1000 * printed.measurements[i].batch) / ms, 6);
    }
  });

  it('shows the time of each layer of a trial', async () => {
    const { out } = await nasInside(['latency', 'measure', workdir, '1', '--profile']);
    expect(out).toMatch(/Time per layer.*\n.*\nstem .*Conv.*█/);
    expect(out).toContain('95 % interval');
  });

  it('shows the precision of a quantized model, and warns of saturation', async () => {
    const bytes = write('bytes.onnx', byteModel('bytes'));
    const isSaturating = (await integerArithmetic()) === 'saturating';
    const [json, text] = [
      await nasInside(['latency', 'measure', bytes, '--profile', '--json']),
      await nasInside(['latency', 'measure', bytes, '--profile']),
    ];
    const { profile, ...found } = JSON.parse(json.out) as {
      profile: { ms: number; layers: { layer: string; ms: number; share: number }[] };
    };
    expect(profile.layers.map(({ layer }) => layer)).toContain('middle');
    expect(profile.layers.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(profile.layers.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(profile.ms, 9);
    expect(found).toMatchObject({
      saturates: isSaturating,
      measurements: [{ environment: { precision: 'int8' } }],
    });
    expect(text.out).toMatch(/executed +int8\n/);
    expect(text.out).toContain('3 of 3 convolutions and matrix products are in bytes');
    expect(text.out).toMatch(/\nmiddle +QLinearConv/);
    expect(text.err.includes('sums bytes in 16 bits')).toBe(isSaturating);
  });

  it('distinguishes int8 weights from int8 arithmetic', async () => {
    const { out, err } = await nasInside(['latency', 'measure', write('weights.onnx', byteModel('weights'))]);
    expect(out).toMatch(/executed +int8 weights, computed in fp32\n/);
    expect(err).not.toContain('16 bits');
  });

  it.each([
    [['missing.onnx'], 'missing.onnx: cannot be read'],
    [[write('text.onnx', 'not a model')], 'could not open the model'],
    [[write('two.onnx', classifier(['N', 8, 8, 1], 64, { secondInput: true }))], 'must have one float32 input, not'],
    [[write('fixed.onnx', classifier([2, 8, 8, 1], 64)), '--batch', '4'], 'batch is fixed at 2'],
    [[model, '3'], 'is not a folder of a run, so it has no trial 3'],
    [[workdir], 'which trial? give its number after the folder'],
    [[workdir, '7'], 'has no trial 7'],
    [[model, '--batch', '0'], 'expected whole numbers from 1 to 4096'],
    [[model, '--device', 'local:provider=gpu9000'], '"gpu9000" is not available'],
    [[model, '--device', 'browser', '--profile'], 'only local devices measure the time of each layer'],
    [[model, '--device', 'agent:url=http://127.0.0.1:1', '--batch', '2'], 'has a fixed batch size'],
  ])('refuses %j', async (args, message) => {
    await expectRefusal(nasInside(['latency', 'measure', ...args]), message);
  });
});

describe('nas latency fit', () => {
  it('fits to rows of a table, not to its predictions', async () => {
    const rows = ['nor_conv_3x3', 'nor_conv_1x1', 'avg_pool_3x3'].map(
      (op, i) => `${op},none,none,${op},none,none,${i + 1}`,
    );
    const table = write('cells.csv', ['op_01,op_02,op_12,op_03,op_13,op_23,pixel3', ...rows].join('\n'));
    const output = join(folder, 'cells.json');
    const device = `table:file=${table},column=pixel3`;
    const args = ['--space', 'nas-bench-201', '--device', device, '--samples', '6', '-o', output];
    const { code, err } = await nasInside(['latency', 'fit', ...args]);
    expect(err).toMatch(/has latencies of [0-3] of the 6 chosen networks; at least 4 are needed/);
    expect(code).toBe(2);
  });
});

describe('nas latency fit and its measurements', () => {
  /** A table with a random latency of each network that is chosen. */
  async function noise(samples: number): Promise<string> {
    const { space } = await parseSpace('nas-bench-201');
    const random = new Random(1, 'latencies');
    const rows = selectCalibration(space, samples, new Random(0, 'calibration')).map((genotype) =>
      [...space.decisions.map(({ choices }, i) => choices[genotype[i]]), 1 + 9 * random.uniform()].join(),
    );
    return write('noise.csv', ['op_01,op_02,op_12,op_03,op_13,op_23,noise', ...rows].join('\n'));
  }
  const output = join(folder, 'noise.json');
  const kept = join(folder, 'noise.measurements.json');
  const fit = (...more: string[]) => nasInside(['latency', 'fit', '--space', 'nas-bench-201', '-o', output, ...more]);

  it('stores them when the model is rejected, and fits to them again', async () => {
    const unreliable = await fit('--device', `table:file=${await noise(12)},column=noise`, '--samples', '12');
    expect(unreliable.err).toMatch(/the model is not stored: its mean error .*/);
    expect(unreliable.err).toContain(`--from ${kept} fits to it again`);
    expect(unreliable.code).toBe(1);
    expect(existsSync(output)).toBe(false);
    const stored = JSON.parse(readFileSync(kept, 'utf8')) as { networks: { choices: object; ms: number }[] };
    expect(stored.networks).toHaveLength(12);
    const price = (op: unknown): number => (op === 'nor_conv_3x3' ? 3 : op === 'nor_conv_1x1' ? 1 : 0);
    for (const network of stored.networks)
      network.ms = Object.values(network.choices).reduce((sum: number, op) => sum + price(op), 5);
    const mended = write('mended.json', JSON.stringify(stored));
    const again = await fit('--from', mended);
    expect(again.err).toContain(`model: ${output}`);
    expect(again.code).toBe(0);
  });

  it('has the precision of the measurements', async () => {
    const measured = JSON.parse(readFileSync(join(folder, 'mended.json'), 'utf8')) as { environment: object };
    const quantized = { ...measured, environment: { ...measured.environment, precision: 'int8' } };
    const file = write('quantized.json', JSON.stringify(quantized));
    const refused = await fit('--from', file);
    expect(refused.err).toContain('the networks are measured in int8, not in fp32');
    await expectRefusal(refused, '--precision int8 fits a model of them');
    expect((await fit('--from', file, '--precision', 'int8')).code).toBe(0);
    expect(() => readLatencyModel(output, 'fp32')).toThrow(
      `${output}: the latency model is of int8 networks, and fp32 ones are to be predicted`,
    );
    expect(readLatencyModel(output, 'int8').toJSON()).toHaveProperty('version');
  });

  const environment = describeEnvironment('x', { provider: 'cpu', threads: 1, batch: 1 });
  const empty = (space: string) => JSON.stringify({ version: 1, space, environment, networks: [] });
  it.each([
    ['no JSON', 'noise', 'cannot be read as measurements'],
    ['something else', '{"version": 1}', 'not measurements of networks'],
    ['another space', empty('efficientnet'), 'of the space efficientnet'],
    ['none', empty('nas-bench-201'), 'has 0 networks'],
  ])('refuses %s', async (_, content, message) => {
    await expectRefusal(fit('--from', write('other.json', content)), message);
  });
});

describe('nas agent', () => {
  it.each([
    [['--listen', '0.0.0.0:0'], 'can be reached by others: it needs a token'],
    [['--listen', 'here'], 'expected an address and a port'],
    [['--token-file', join(folder, 'none')], 'cannot be read'],
    [['--device', 'agent:url=http://127.0.0.1:1'], 'an agent measures on its own machine'],
  ])('refuses %j', async (args, message) => {
    await expectRefusal(nasInside(['agent', '--state', join(folder, 'agent'), ...args]), message);
  });
});
