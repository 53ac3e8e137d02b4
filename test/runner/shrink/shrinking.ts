import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { databasePath } from '../../../runner/stored/workdir.js';
import { shrinkTrial, type ShrinkRequest } from '../../../runner/index.js';
import { type RunEvent } from '../../../runner/events.js';
import { collectShrunk } from '../../../reports/index.js';
import { costs, type Network } from '../../../spaces/index.js';
import { Store } from '../../../store/index.js';
import { drawReport } from '../../../api/report.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { digest } from '../findings.js';
import { inside, runInside } from '../inside.js';

/** A finished run to shrink, made once for a file of tests. */
export class RunToShrink {
  readonly directory = cachedFolder();
  /** The most costly trial, and its MACs. */
  trial = 0;
  macs = 0;

  constructor() {
    beforeAll(async () => {
      const file = writeExperiment(this.directory, {
        name: 'shrinking',
        space:
          '{ type: mobilenet, width: 1, stem: { filters: 16, stride: 2 }, stages: [{ filters: 16, depth: 1, expand: [2, 6], stride: 2 }, { filters: 24, depth: 1, expand: [2, 6], se: 0.25 }] }',
        teacher: null,
        train: '{ epochs: 2, batch: 32, augment: [flip, crop], views: 2, checkpoint_seconds: 0.1 }',
        search: '{ controller: random, trials: 4, parallel: 1 }',
        objectives: '[{ name: accuracy }, { name: latency_ms }]',
        latency: '{ calibration: 4 }',
        final: null,
      });
      await runInside(file, this.workdir);
      reading(this.workdir, (store) => {
        for (const { number, genotypeId } of store.trials.all()) {
          const { macs } = costs(store.networks.get(genotypeId) as Network);
          if (macs > this.macs) [this.trial, this.macs] = [number, macs];
        }
      });
    }, 240_000);
  }

  private get workdir(): string {
    return join(this.directory, 'run');
  }

  copy(name: string): string {
    const to = join(this.directory, name);
    cpSync(this.workdir, to, { recursive: true });
    return to;
  }

  /** Shrinks inside this process, until an event for which `until` holds. */
  async shrink(
    folder: string,
    wanted: Pick<ShrinkRequest, 'target'> & Partial<ShrinkRequest>,
    until: (event: RunEvent) => boolean = () => false,
  ) {
    const events: RunEvent[] = [];
    const stop = new AbortController();
    const request: ShrinkRequest = { trial: this.trial, importance: 'taylor', multiple: 4, ...wanted };
    const options = { workers: inside, report: drawReport, signal: stop.signal };
    const outcome = await shrinkTrial(folder, request, options, (event) => {
      events.push(event);
      if (until(event)) stop.abort();
    });
    const store = Store.open(databasePath(folder), { readonly: true });
    try {
      const [shrunk] = await collectShrunk(store);
      return { outcome, shrunk, events };
    } finally {
      store.close();
    }
  }
}

/** The parts of a shrunk network that must repeat. */
export const repeated = (folder: string) =>
  reading(folder, (store) => ({
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
  }));
