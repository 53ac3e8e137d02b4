import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { collectShrunk } from '../../../../experiments/report/index.js';
import { messageOf, NasError } from '../../../../base/errors.js';
import { shrinkTrial, type RunEvent, type ShrinkRequest } from '../../../../experiments/runner/index.js';
import { readMetadata } from '../../../../deploy/index.js';
import { channelGroups, costs, type Network } from '../../../../spaces/index.js';
import { nasInside } from '../../../cli/nas.js';
import { lockWorkdir, Store } from '../../../../store/index.js';
import { reportFiles } from '../../../../ui/index.js';
import { ended, start, writeExperiment } from '../experiment.js';
import { digest } from '../findings.js';
import { inside, runInside } from '../inside.js';

let directory = '';
let workdir = '';
/** The most costly complete trial, and its MACs. */
let trial = 0;
let macs = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'nas-shrink-'));
  vi.stubEnv('NAS_CACHE', join(directory, 'cache'));
  workdir = join(directory, 'run');
  const file = writeExperiment(directory, {
    name: 'shrinking',
    space:
      '{ type: mobilenet, width: 1, stem: { filters: 16, stride: 2 }, stages: [{ filters: 16, depth: 1, expand: [2, 6], stride: 2 }, { filters: 24, depth: 1, expand: [2, 6], se: 0.25 }] }',
    teacher: null,
    train: '{ epochs: 2, batch: 32, augment: { crop: 2, flip: true, views: 2 }, checkpoint_seconds: 0.1 }',
    search: '{ controller: random, trials: 4, parallel: 1 }',
    objectives: '[{ name: accuracy }, { name: latency_ms }]',
    latency: '{ calibration: 4 }',
    final: null,
  });
  await runInside(file, workdir);
  const store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
  for (const { number, genotypeId } of store.trials.all()) {
    const own = costs(store.networks.get(genotypeId) as Network).macs;
    if (own > macs) [trial, macs] = [number, own];
  }
  store.close();
}, 240_000);
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

const copy = (name: string): string => {
  const to = join(directory, name);
  cpSync(workdir, to, { recursive: true });
  return to;
};

/** Refusals and what is kept already come before a worker starts. */
const shrink = (folder: string, ...args: string[]) => nasInside(['shrink', folder, ...args]);

/** Shrinks inside this process. @returns what is kept of it, and what was told. */
async function shrinkInside(folder: string, wanted: Pick<ShrinkRequest, 'target'> & Partial<ShrinkRequest>) {
  const events: RunEvent[] = [];
  const request: ShrinkRequest = { trial, importance: 'taylor', multiple: 4, ...wanted };
  const options = { workers: inside, report: reportFiles };
  const outcome = await shrinkTrial(folder, request, options, (event) => events.push(event));
  const store = Store.open(join(folder, 'nas.sqlite'), { readonly: true });
  try {
    const [shrunk] = await collectShrunk(store);
    return { outcome, shrunk, told: JSON.stringify(events) };
  } finally {
    store.close();
  }
}

/** What must not differ between two fine-tunings of one network. */
function kept(folder: string) {
  const store = Store.open(join(folder, 'nas.sqlite'), { readonly: true });
  try {
    return {
      all: store.shrunk
        .all()
        .map(({ number, state, widths, accuracy, testAccuracy, accuracyBefore, parentAccuracy }) => ({
          number,
          state,
          widths,
          accuracies: [accuracy, testAccuracy, accuracyBefore, parentAccuracy],
        })),
      curve: store.curves
        .of({ stage: 'shrunk', shrunk: 0 })
        .map(({ seconds, ...epoch }) => ({ ...epoch, timed: seconds >= 0 })),
      weights: digest(join(folder, 'artifacts', 'shrunk', '00000', 'weights.bin')),
      trials: store.trials.all().length,
    };
  } finally {
    store.close();
  }
}

/** Starts shrinking and stops it with a signal once its fine-tuning has a checkpoint that is not the one before. */
async function stopped(folder: string, signal: 'SIGINT' | 'SIGKILL', args: readonly string[]) {
  const checkpoint = join(folder, 'artifacts', 'shrunk', '00000', 'checkpoint.bin');
  const stamp = (): number => (existsSync(checkpoint) ? statSync(checkpoint).mtimeMs : 0);
  const before = stamp();
  const child = start(directory, ['shrink', folder, ...args]);
  const over = ended(child);
  while (stamp() === before && child.exitCode === null) await sleep(5);
  child.kill(signal);
  return over;
}

/** So many that it is stopped twice before it ends, on a fast machine, too. */
const epochs = 12;

describe('nas shrink', { timeout: 300_000 }, () => {
  it('cuts to a number of MACs, fine-tunes, keeps beside the trials, and shows', async () => {
    const folder = copy('whole');
    const budget = Math.round(0.6 * macs);
    const { outcome, shrunk } = await shrinkInside(folder, { target: { objective: 'macs', value: budget }, epochs });
    expect(outcome).toEqual({ state: 'complete', number: 0 });
    const { network, cut, tuned, from, widths } = shrunk;
    expect(shrunk).toMatchObject({ number: 0, parent: trial, state: 'complete', epochs, multiple: 4 });
    expect(from.macs).toBe(macs);
    expect(tuned.macs).toBeLessThanOrEqual(budget);
    // One block of channels less would have been over the budget.
    expect(tuned.macs).toBeGreaterThan(0.9 * budget);
    expect(costs(network).macs).toBe(tuned.macs);
    for (const { name, width } of channelGroups(network)) if (name in widths) expect(width % 4).toBe(0);
    for (const stage of [from, cut, tuned]) expect(stage.accuracy).toBeGreaterThanOrEqual(0);
    expect(shrunk.alternative?.macs).toBeLessThanOrEqual(tuned.macs);

    const [file] = shrunk.files;
    const metadata = readMetadata(readFileSync(join(folder, file.path)));
    expect(metadata).toMatchObject({ shrunk_from: trial, network, accuracy: { test: tuned.testAccuracy } });
    expect(metadata.genotype).toBeUndefined();
    expect(readdirSync(join(folder, 'artifacts', 'shrunk', '00000')).sort()).toEqual(['model.onnx', 'weights.bin']);
    expect(existsSync(join(folder, 'report.html'))).toBe(true);

    const again = copy('killed');
    const args = [`${trial}`, '--macs', `${budget}`, '--epochs', `${epochs}`];
    const interrupted = await stopped(again, 'SIGINT', args);
    expect(interrupted).toMatchObject({
      code: 130,
      output: expect.stringContaining('the same command goes on') as string,
    });
    expect((await stopped(again, 'SIGKILL', args)).code).toBeNull();
    const last = await ended(start(directory, ['shrink', again, ...args, '--json']));
    expect(last.code, last.output).toBe(0);
    expect(last.output).toContain('Shrunk network 0 was begun and goes on');
    expect(JSON.parse(last.output.slice(last.output.indexOf('{\n')))).toMatchObject({ number: 0, network });
    expect(kept(again)).toEqual(kept(folder));
    expect(kept(folder)).toMatchObject({ trials: 4, curve: { length: epochs }, weights: expect.any(String) as string });
  });

  it('cuts to a latency, as it is measured on the device, beside members of the space', async () => {
    const folder = copy('latency');
    const latency = (value: number) => ({ target: { objective: 'latency_ms', value } }) as const;
    // A busy machine may measure the same network a third slower the next time: then the budget is set anew.
    const within = /has ([\d.]+) ms already.*within the budget/;
    const attempt = async () => {
      const error: unknown = await shrinkInside(folder, latency(1000)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringMatching(within) as string });
      const has = Number(within.exec(messageOf(error))?.[1]);
      return shrinkInside(folder, { ...latency(0.8 * has), multiple: 8, importance: 'gamma' });
    };
    const again = (error: unknown) => {
      if (error instanceof NasError && ['invalid-input', 'infeasible'].includes(error.code)) return attempt();
      throw error;
    };
    const { shrunk } = await attempt().catch(again).catch(again).catch(again);
    const { from, tuned, alternative, widths } = shrunk;
    expect(shrunk).toMatchObject({ state: 'complete', importance: 'gamma', target: { objective: 'latency_ms' } });
    expect(shrunk.device).toContain('local');
    expect(tuned.macs).toBeLessThan(from.macs);
    for (const { latency: ms } of [from, tuned]) expect(ms).toBeGreaterThan(0);
    if (alternative !== null) expect(alternative.latency).toBeLessThanOrEqual(tuned.latency ?? 0);
    for (const width of Object.values(widths)) expect(width % 8).toBe(0);
    expect(Object.keys(widths).some((name) => name.includes('_se_'))).toBe(false);

    const pareto = await nasInside(['pareto', folder]);
    expect(pareto.out).toMatch(/Shrunk networks\n.*\n +0 +trial \d+ +0\.\d+ ms +complete/);
    const shown = await nasInside(['show', folder, `${trial}`]);
    expect(shown.out).toContain('Shrunk networks');
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('Shrunk networks');

    for (const [to, file] of [
      ['onnx', 'model.onnx'],
      ['tfjs', 'model.json'],
    ]) {
      const target = join(folder, to);
      const exported = await nasInside(['export', folder, '--shrunk', '0', '--to', to, '-o', target]);
      expect(exported.code, exported.err).toBe(0);
      expect(existsSync(join(target, file))).toBe(true);
    }
    const none = await nasInside(['export', folder, '--shrunk', '3', '--to', 'onnx', '-o', folder]);
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('no shrunk network 3') as string });
  });

  it('refuses what cannot be, with what can be', async () => {
    const folder = copy('refused');
    const refusal = async (...args: string[]) => {
      const { code, err } = await shrink(folder, ...args);
      return `${code} ${err.replace(/^.*nas: /s, '')}`;
    };
    expect(await refusal('77', '--macs', '300k')).toMatch(/^2 .*has no trial 77/);
    expect(await refusal(`${trial}`, '--macs', '900M')).toMatch(
      /^2 .*has [\d.]+ [kM] MACs already, which is within the budget/,
    );
    expect(await refusal(`${trial}`, '--macs', '10')).toMatch(
      /^3 .*no cut meets 10 MACs: the smallest .* comes to [\d.]+ k MACs/,
    );
    expect(await refusal(`${trial}`, '--macs', '300k', '--multiple', '4096')).toMatch(/^2 .*in multiples of 4096/);
    const lock = lockWorkdir(folder);
    try {
      expect(await refusal(`${trial}`, '--macs', '300k')).toMatch(/^4 .*is working here/);
    } finally {
      lock.release();
    }
    const store = Store.open(join(folder, 'nas.sqlite'), { readonly: true });
    expect(store.shrunk.all()).toEqual([]);
    store.close();
    expect(readdirSync(join(folder, 'artifacts', 'shrunk'))).toEqual([]);
  });
});
