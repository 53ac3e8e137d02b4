import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { messageOf, NasError } from '../../../base/errors.js';
import { readMetadata } from '../../../deploy/index.js';
import { channelGroups, costs } from '../../../spaces/index.js';
import { lockWorkdir } from '../../../store/index.js';
import { nasInside } from '../../cli/nas.js';
import { reading } from '../experiment.js';
import { repeated, RunToShrink } from './shrinking.js';

const run = new RunToShrink();
const epochs = 3;

describe('nas shrink', { timeout: 300_000 }, () => {
  it('cuts to a number of MACs, fine-tunes, keeps beside the trials, and shows', async () => {
    const folder = run.copy('whole');
    const budget = Math.round(0.6 * run.macs);
    const { outcome, shrunk } = await run.shrink(folder, { target: { objective: 'macs', value: budget }, epochs });
    expect(outcome).toEqual({ state: 'complete', number: 0 });
    const { network, cut, tuned, from, widths } = shrunk;
    expect(shrunk).toMatchObject({ number: 0, parent: run.trial, state: 'complete', epochs, multiple: 4 });
    expect(from.macs).toBe(run.macs);
    expect(tuned.macs).toBeLessThanOrEqual(budget);
    // One block of channels less would have been over the budget.
    expect(tuned.macs).toBeGreaterThan(0.9 * budget);
    expect(costs(network).macs).toBe(tuned.macs);
    for (const { name, width } of channelGroups(network)) if (name in widths) expect(width % 4).toBe(0);
    for (const stage of [from, cut, tuned]) expect(stage.accuracy).toBeGreaterThanOrEqual(0);
    expect(shrunk.alternative?.macs).toBeLessThanOrEqual(tuned.macs);

    const [file] = shrunk.files;
    const metadata = readMetadata(readFileSync(join(folder, file.path)));
    expect(metadata).toMatchObject({ shrunk_from: run.trial, network, accuracy: { test: tuned.testAccuracy } });
    expect(metadata.genotype).toBeUndefined();
    expect(readdirSync(join(folder, 'artifacts', 'shrunk', '00000')).sort()).toEqual(['model.onnx', 'weights.bin']);
    expect(existsSync(join(folder, 'report.html'))).toBe(true);

    // Interrupted after an epoch, it continues to the same result.
    const again = run.copy('interrupted');
    const request = { target: { objective: 'macs', value: budget }, epochs } as const;
    const interrupted = await run.shrink(again, request, ({ kind }) => kind === 'phase-epoch');
    expect(interrupted.outcome).toEqual({ state: 'interrupted' });
    const { events } = await run.shrink(again, request);
    expect(JSON.stringify(events)).toContain('Shrunk network 0 was begun and goes on');
    expect(repeated(again)).toEqual(repeated(folder));
    expect(repeated(folder)).toMatchObject({
      trials: 4,
      curve: { length: epochs },
      weights: expect.any(String) as string,
    });
  });

  it('cuts to a latency, as it is measured on the device, beside members of the space', async () => {
    const folder = run.copy('latency');
    const latency = (value: number) => ({ target: { objective: 'latency_ms', value } }) as const;
    // A busy machine may measure the same network a third slower the next time: then the budget is set anew.
    const within = /has ([\d.]+) ms already.*within the budget/;
    const attempt = async () => {
      const error: unknown = await run.shrink(folder, latency(1000)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringMatching(within) as string });
      const has = Number(within.exec(messageOf(error))?.[1]);
      return run.shrink(folder, { ...latency(0.8 * has), multiple: 8, importance: 'gamma' });
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
    const shown = await nasInside(['show', folder, `${run.trial}`]);
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
    const folder = run.copy('refused');
    const refusal = async (...args: string[]) => {
      const { code, err } = await nasInside(['shrink', folder, ...args]);
      return `${code} ${err.replace(/^.*nas: /s, '')}`;
    };
    expect(await refusal('77', '--macs', '300k')).toMatch(/^2 .*has no trial 77/);
    expect(await refusal(`${run.trial}`, '--macs', '900M')).toMatch(
      /^2 .*has [\d.]+ [kM] MACs already, which is within the budget/,
    );
    expect(await refusal(`${run.trial}`, '--macs', '10')).toMatch(
      /^3 .*no cut meets 10 MACs: the smallest .* comes to [\d.]+ k MACs/,
    );
    expect(await refusal(`${run.trial}`, '--macs', '300k', '--multiple', '4096')).toMatch(/^2 .*in multiples of 4096/);
    const lock = lockWorkdir(folder);
    try {
      expect(await refusal(`${run.trial}`, '--macs', '300k')).toMatch(/^4 .*is working here/);
    } finally {
      lock.release();
    }
    expect(reading(folder, (store) => store.shrunk.all())).toEqual([]);
    expect(readdirSync(join(folder, 'artifacts', 'shrunk'))).toEqual([]);
  });
});
