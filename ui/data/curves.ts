import type { CurvePoint, EpochChange, Training } from '../../experiments/page/api.js';
import { signal, type ReadonlySignal } from '@preact/signals';

/** A training in words. */
export function trainingText(training: Training): string {
  const trial = `trial ${training.trial ?? ''}`;
  const texts: { readonly [S in Training['stage']]: string } = {
    search: trial,
    final: `${trial}, final training`,
    'quantize-aware': `${trial}, fine-tuning in 8 bits`,
    teacher: 'the teacher',
    supernet: 'the supernet',
    shrunk: `shrunk network ${training.shrunk ?? ''}`,
  };
  return texts[training.stage];
}

/** Epochs in their order; of one that is known twice, what was told later. */
export function joinedCurve(known: readonly CurvePoint[], later: readonly CurvePoint[]): readonly CurvePoint[] {
  const points = new Map([...known, ...later].map((point) => [point.epoch, point]));
  return [...points.values()].sort((a, b) => a.epoch - b.epoch);
}

/** Trainings that are kept: those that got on last. A page that is open for days must not grow. */
const most = 200;

const keyOf = ({ stage, trial, shrunk }: Training): string => `${stage} ${trial ?? ''} ${shrunk ?? ''}`;

/** Epochs that ended since the page was opened, by training. */
export class LiveCurves {
  private readonly signals = { version: signal(0) };
  /** The one that got on last is the last. */
  private readonly points = new Map<string, readonly CurvePoint[]>();

  /** Counts changes; whoever draws curves reads it. */
  readonly version: ReadonlySignal<number> = this.signals.version;

  /** An epoch that is told again, as after another attempt, replaces what was known of it. */
  take(epochs: readonly EpochChange[]): void {
    for (const { training, ...point } of epochs) {
      const key = keyOf(training);
      const known = this.points.get(key) ?? [];
      this.points.delete(key);
      this.points.set(key, [...known.filter(({ epoch }) => epoch < point.epoch), point]);
    }
    for (const key of this.points.keys()) {
      if (this.points.size <= most) break;
      this.points.delete(key);
    }
    if (epochs.length > 0) this.signals.version.value++;
  }

  of(training: Training): readonly CurvePoint[] {
    return this.points.get(keyOf(training)) ?? [];
  }
}
