import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { writeFileAtomic } from '../../../base/files.js';
import { readMetadata, readExport } from '../../../deploy/index.js';
import type { RunEvent } from '../../../runner/events.js';
import { evaluateOnSplit } from '../../../runner/index.js';
import { readShrinkSubject } from '../../../runner/shrink/subject.js';
import { shrinkFile, type ShrinkRequest, type ShrunkReport } from '../../../runner/shrink/shrink-file.js';
import { channelGroups, costs, type Network } from '../../../spaces/index.js';
import { Store } from '../../../store/index.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import { imagesOfRun } from '../../../runner/inputs.js';
import { trainingExperimentOf } from '../../../runner/stored/experiment.js';
import { nasInside, expectRefusal } from '../../cli/nas.js';
import { temporaryFolder } from '../../support/temporary.js';
import { auto } from '../../trainers/support/tiny-training.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { runInside } from '../inside.js';

const folder = cachedFolder();
const run = join(folder, 'run');
/** The most costly trial, and its MACs. */
let [trial, macs] = [0, 0];

let experiment = '';

beforeAll(async () => {
  experiment = writeExperiment(folder, {
    name: 'shrinking',
    space:
      '{ type: mobilenet, width: 1, stem: { filters: 16, stride: 2 }, stages: [{ filters: 16, depth: 1, expand: [2, 6], stride: 2 }, { filters: 24, depth: 1, expand: [2, 6], se: 0.25 }] }',
    teacher: null,
    train: '{ epochs: 1, batch: 32, augment: [flip, crop] }',
    search: '{ controller: random, trials: 3, parallel: 1 }',
    objectives: '[{ name: accuracy }, { name: macs }]',
    final: null,
  });
  await runInside(experiment, run);
  reading(run, (store) => {
    for (const { number, genotypeId } of store.trials.all()) {
      const own = costs(store.networks.get(genotypeId) as Network).macs;
      if (own > macs) [trial, macs] = [number, own];
    }
  });
}, 240_000);

const budget = () => Math.round(0.6 * macs);
const output = (name: string): string => join(folder, `${name}.onnx`);

/** The request of the command for the trial, which `until` interrupts. */
async function shrunk(changes: Partial<ShrinkRequest>, until: (event: RunEvent) => boolean = () => false) {
  const store = Store.open(databasePath(run), { readonly: true });
  const { train, data } = trainingExperimentOf(store, run);
  const dataset = await imagesOfRun(store, run);
  store.close();
  const stop = new AbortController();
  const request: ShrinkRequest = {
    subject: await readShrinkSubject(run, trial),
    target: { objective: 'macs', value: budget() },
    ...{ multiple: 4, device: null, data, dataset, train, engine: auto, threads: 1 },
    ...changes,
  };
  const observe = (event: RunEvent) => until(event) && stop.abort();
  return { dataset, ...(await shrinkFile(request, observe, stop.signal)) };
}

const filesOf = (directory: string): string[] => readdirSync(directory, { recursive: true }).map(String).sort();

describe('nas shrink', { timeout: 300_000 }, () => {
  it('cuts a trial to a number of MACs, fine-tunes it, and writes a file; the run stays as it is', async () => {
    const before = [filesOf(run), reading(run, (store) => store.events.latest())];
    const { model, report, dataset } = await shrunk({ epochs: 1 });
    const { whole, cut, tuned, widths } = report;
    expect(report).toMatchObject({ model: `trial ${trial}`, epochs: 1, multiple: 4, device: null, warnings: [] });
    expect(whole.macs).toBe(macs);
    expect(tuned.macs).toBeLessThanOrEqual(budget());
    // One block of channels less would have been over the budget.
    expect(tuned.macs).toBeGreaterThan(0.9 * budget());
    expect(cut).toMatchObject({ macs: tuned.macs, params: tuned.params, latency: null });
    const { network, ...metadata } = readMetadata(model);
    if (network === undefined) throw new Error('the file does not have its network');
    expect(costs(network).macs).toBe(tuned.macs);
    for (const { name, width } of channelGroups(network)) if (name in widths) expect(width % 4).toBe(0);
    expect(metadata).toMatchObject({ shrunk_from: `trial ${trial}`, accuracy: { test: tuned.test } });
    expect(metadata.genotype).toBeUndefined();
    expect((await evaluateOnSplit(model, dataset, 'test')).accuracy).toBe(tuned.test);
    expect([filesOf(run), reading(run, (store) => store.events.latest())]).toEqual(before);

    // The file is shrunk again, to the same size as its network says; and the same request gives the same weights.
    writeFileAtomic(output('again'), model);
    const subject = await readShrinkSubject(output('again'), undefined);
    expect(subject).toMatchObject({ name: output('again'), isFolded: true });
    const target = { objective: 'macs', value: Math.round(0.8 * tuned.macs) } as const;
    const again = await shrunk({ subject, target, epochs: 1 });
    expect(again.report.whole).toMatchObject({ macs: tuned.macs });
    expect(Math.abs(again.report.whole.test - tuned.test)).toBeLessThan(0.02);
    expect(again.report.tuned.macs).toBeLessThan(target.value);
    writeFileAtomic(output('repeated'), (await shrunk({ epochs: 1 })).model);
    expect((await readExport(output('repeated'))).model).toEqual((await readExport(output('again'))).model);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    // Others write into the usual folder at the same time.
    const folder = temporaryFolder();
    vi.stubEnv('TMPDIR', folder);
    await expect(shrunk({ epochs: 2 }, ({ kind }) => kind === 'phase-epoch')).rejects.toMatchObject({
      code: 'interrupted',
      hint: 'No file was written.',
    });
    vi.unstubAllEnvs();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('cuts to a latency, as it is measured on the device, and its file is exported', async () => {
    const small = output('small');
    const args = ['shrink', run, '--trial', `${trial}`, '-o', small, '--epochs', '1', '--json'];
    // A busy machine may measure the same network a third slower the next time: then the budget is set anew.
    const attempt = async (left: number): Promise<ShrunkReport> => {
      const { code, err } = await nasInside([...args, '--latency', '1000']);
      const has = Number(/has ([\d.]+) ms already, which is within the budget/.exec(err)?.[1]);
      expect([code, has > 0], err).toEqual([2, true]);
      const done = await nasInside([...args, '--latency', `${0.8 * has}`, '--multiple', '8']);
      if (done.code !== 0 && left > 0) return attempt(left - 1);
      expect(done.code, done.err).toBe(0);
      return JSON.parse(done.out) as ShrunkReport;
    };
    const { whole, tuned, widths, device } = await attempt(3);
    expect(device).toContain('local');
    expect(tuned.macs).toBeLessThan(whole.macs);
    for (const { latency } of [whole, tuned]) expect(latency).toBeGreaterThan(0);
    for (const width of Object.values(widths)) expect(width % 8).toBe(0);
    expect(readMetadata(readFileSync(small)).latency).toMatchObject({ provenance: 'measured' });
    for (const [to, file] of [
      ['web', 'index.html'],
      ['tfjs', 'model.json'],
      ['tflite', 'model.tflite'],
    ]) {
      const target = join(folder, to);
      const exported = await nasInside(['export', small, '--to', to, '-o', target]);
      expect(exported.code, exported.err).toBe(0);
      expect(existsSync(join(target, file))).toBe(true);
    }
  });

  it('shrinks a file with the data of --data, and prints a table', async () => {
    const exported = join(folder, 'exported');
    await nasInside(['export', run, '--trial', `${trial}`, '--to', 'onnx', '-o', exported]);
    const file = join(exported, 'model.onnx');
    const args = ['--macs', `${budget()}`, '--epochs', '1', '-o', output('of-file')];
    const { code, out, err } = await nasInside(['shrink', file, '--data', experiment, ...args]);
    expect(code, err).toBe(0);
    expect(out).toMatch(/as it was +\d.*\ncut to [\d.]+ k MACs +\d.*\nfine-tuned +\d/);
    expect(readMetadata(readFileSync(output('of-file'))).shrunk_from).toBe(file);
    const data = ['--data', run];
    await expectRefusal(
      nasInside(['shrink', file, ...data, '--trial', '0', ...args]),
      '--trial 0 goes with the folder',
    );
    expect((await nasInside(['shrink', file, ...args])).err).toContain('--data is missing');
  });

  it('refuses what cannot be, with what can be', async () => {
    const refusal = async (...args: string[]) => {
      const { code, err } = await nasInside(['shrink', run, '-o', output('refused'), ...args]);
      return `${code} ${err.replace(/^.*nas: /s, '')}`;
    };
    const own = ['--trial', `${trial}`];
    expect(await refusal('--macs', '300k')).toMatch(/^2 .*is a run: which of its trials/);
    expect(await refusal(...own)).toMatch(/^2 .*a target is missing/);
    expect(await refusal('--trial', '77', '--macs', '300k')).toMatch(/^2 .*has no trial 77/);
    expect(await refusal(...own, '--macs', '900M')).toMatch(
      /^2 .*has [\d.]+ [kM] MACs already, which is within the budget/,
    );
    expect(await refusal(...own, '--macs', '10')).toMatch(
      /^3 .*no cut meets 10 MACs: the smallest .* comes to [\d.]+ k MACs/,
    );
    expect(await refusal(...own, '--macs', '300k', '--multiple', '4096')).toMatch(/^2 .*in multiples of 4096/);
    expect(await refusal(...own, '--latency', '1', '--device', 'worker:tag=pi')).toMatch(/^2 .*queue/);
    expect(existsSync(output('refused'))).toBe(false);
    const subject = await readShrinkSubject(run, trial);
    const other = { ...subject, metadata: { ...subject.metadata, classes: ['cat', 'dog'] } };
    await expect(shrunk({ subject: other })).rejects.toThrow(/has the classes cat, dog; the data has/);
  });
});
