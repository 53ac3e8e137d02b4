import picocolors from 'picocolors';
import { beforeAll, describe, expect, it } from 'vitest';
import { frontierTable } from '../../../cli/output/trials.js';
import { RunCache } from '../../../reports/page/collect/run-cache.js';
import { collectColumns } from '../../../reports/page/collect/columns.js';
import { collectPrediction } from '../../../reports/read-model/statistics.js';
import { collectFrontier, collectReport } from '../../../reports/index.js';
import { renderFrontier, renderPage } from '../../../ui/index.js';
import { exampleEnvironment } from '../../support/environment.js';
import { ask, begun, experimentOn, measured, type Written } from '../page/collect/history.js';
import { newMeasurement } from '../../store/support.js';

const plain = picocolors.createColors(false);
const reason = 'other programs kept 1.1 of 2 processors busy';

/** A trial whose latency is measured in the search; `confusion` holds 1,000 validation images. */
function finish(written: Written, number: number, accuracy: number, ms: number, reliable: boolean): void {
  const { store, wait } = written;
  ask(written, number);
  wait(5000);
  measure(written, number, ms, reliable, 'trial');
  store.classResults.add(number, {
    stage: 'search',
    precision: 'fp32',
    split: 'validation',
    classes: ['a', 'b'],
    details: {
      type: 'classification',
      confusion: [
        [500, 0],
        [0, 500],
      ],
      calibrationError: 0,
    },
  });
  store.trials.finish(number, { state: 'complete', values: measured(accuracy, ms) });
}

const measure = ({ store }: Written, trial: number, ms: number, reliable: boolean, purpose: 'trial' | 'frontier') =>
  store.measurements.add(
    newMeasurement({
      ...{ trial, genotypeId: String(trial), purpose, ms, p50: ms, p95: ms, interval: [0.99 * ms, 1.01 * ms] },
      network: { kind: 'row' },
      environment: { ...exampleEnvironment, reliable, reasons: reliable ? [] : [reason] },
    }),
  );

describe('a run with doubtful values', () => {
  let written: Written;
  beforeAll(() => {
    written = begun(experimentOn('latency: { budget_ms: 10 }'));
    finish(written, 0, 0.9, 2, false);
    finish(written, 1, 0.895, 2.1, true);
    finish(written, 2, 0.7, 1, true);
  });

  it('has standard errors from the number of validation images, and reasons of unreliable latencies', () => {
    const { certainty } = collectColumns(written.store, { from: 0, limit: 10 });
    expect(certainty['accuracy'][0]?.standardError).toBeCloseTo(Math.sqrt((0.9 * 0.1) / 1000), 3);
    expect(certainty['latency_ms'].map((each) => each?.unreliable)).toEqual([reason, undefined, undefined]);
  });

  it('marks members whose place depends on noise, on the page, in the report and on terminals', async () => {
    const { store } = written;
    // Trial 1 is slower by more than the intervals of the sessions, but not by more than noise in accuracy alone.
    expect(collectFrontier(store).map(({ number, rivals = [] }) => [number, rivals])).toEqual([
      [2, []],
      [0, []],
    ]);
    measure(written, 1, 2.01, true, 'frontier');
    store.trials.revise(1, { latency_ms: { value: 2.01, provenance: 'measured' } });
    const cache = new RunCache();
    cache.update(store);
    expect(cache.frontier.map(({ number, rivals }) => [number, rivals])).toEqual([
      [2, []],
      [0, [1]],
    ]);
    const table = frontierTable(store, 'runs/a', plain);
    expect(table).toMatch(/^ +0 +90\.00 % ± 1\.0 +2 ms unreliable +within noise of #1; unreliable latency$/m);
    expect(table).toContain(`1 of 3 measured latencies is not reliable (${reason}), 1 of them on the frontier`);
    expect(table).toContain('nas latency measure runs/a --frontier');
    const report = await collectReport(store);
    const page = renderPage(report);
    expect(page).toContain('<span class="tag unreliable">unreliable</span>');
    expect(page).toContain(`not reliable: ${reason}`);
    expect(renderFrontier(report)).toContain('dashed: latency not reliable');
  });

  it('follows a measurement that makes a latency reliable', () => {
    const { store } = written;
    const cache = new RunCache();
    cache.update(store);
    measure(written, 0, 1.9, true, 'frontier');
    store.trials.revise(0, { latency_ms: { value: 1.9, provenance: 'measured' } });
    cache.update(store);
    expect(cache.frontier.map(({ number, rivals }) => [number, rivals])).toEqual([
      [2, []],
      [0, []],
    ]);
    expect(frontierTable(store, 'runs/a', plain)).not.toContain('unreliable');
  });

  it('has no model error without predictions', async () => {
    expect(await collectPrediction(written.store)).toBeNull();
  });
});
