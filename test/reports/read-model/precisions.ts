import { join } from 'node:path';
import { Store, type StoredPrecision } from '../../../store/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { exampleEnvironment as environment } from '../../support/environment.js';
import { newMeasurement } from '../../store/support.js';
import { measured } from '../../runner/stored/trials.js';

/** Verdict on int8 by trial number: too slow, too inaccurate, impossible, or chosen. */
const fates = ['speed', 'accuracy', 'quantizing', 'chosen', 'chosen'] as const;

/**
 * A workdir with a database of `count` finished trials, whose networks were judged in fp32 and in int8: of five in turn,
 * two are chosen in int8, 1.5 × and 2 × as fast and 0.2 and 0.1 points less accurate.
 */
export async function storedRunInPrecisions(workdir: string, count: number): Promise<Store> {
  await storedRun(workdir, count);
  const store = Store.open(join(workdir, 'nas.sqlite'));
  store.transaction(() => {
    for (const { number, genotypeId, values } of store.trials.all()) {
      const fate = fates[number % fates.length];
      const accuracy = values['accuracy'].value;
      const fp32 = 1 + values['latency_ms'].value;
      const speedup = fate === 'speed' ? 0.8 : number % 2 === 0 ? 2 : 1.5;
      const drop = fate === 'accuracy' ? 0.03 : number % 2 === 0 ? 0.001 : 0.002;
      const int8 = { accuracy: accuracy - drop, latency_ms: fp32 / speedup };
      const measure = (precision: StoredPrecision, ms: number) =>
        store.measurements.add(
          newMeasurement({
            ...{ trial: number, genotypeId, purpose: 'trial', precision, ms, p50: ms, p95: 1.1 * ms, p99: 1.2 * ms },
            ...{ network: {}, interval: [0.99 * ms, 1.01 * ms], environment: { ...environment, reliable: true } },
          }),
        );
      measure('fp32', fp32);
      store.variants.revise(number, 'fp32', measured({ accuracy, latency_ms: fp32, size_bytes: 4000 }));
      store.variants.judge(number, 'fp32', { accepted: true, reason: null });
      if (fate === 'quantizing') {
        const reason = 'int8 cannot be had: no such operator';
        store.variants.judge(number, 'int8', { accepted: false, reason, detail: { rejected_by: 'quantizing' } });
        store.trials.revise(number, measured({ latency_ms: fp32 }), 'fp32');
        continue;
      }
      measure('int8', int8.latency_ms);
      const known = fate === 'speed' ? { latency_ms: int8.latency_ms } : int8;
      store.variants.revise(number, 'int8', measured({ ...known, size_bytes: 1000 }));
      const shares = fate === 'speed' ? {} : { accuracy: { fp32: accuracy, int8: int8.accuracy } };
      const accepted = fate === 'chosen';
      const reasons = {
        speed: 'int8 is 0.80 × as fast (min_speedup 1.05)',
        accuracy: 'int8 loses 3.00 points (max_accuracy_drop 0.005)',
        chosen: `−${100 * drop} points`,
      };
      const rejected_by = fate === 'chosen' ? null : fate;
      store.variants.judge(number, 'int8', {
        accepted,
        reason: reasons[fate],
        detail: { rejected_by, speedup, ...shares },
      });
      store.trials.revise(
        number,
        accepted ? measured(int8) : measured({ latency_ms: fp32 }),
        accepted ? 'int8' : 'fp32',
      );
    }
  });
  return store;
}
