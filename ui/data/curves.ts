import { signal } from '@preact/signals';
import type { CurvePoint, EpochChange, Training } from '../../reports/page/api.js';

export function trainingText(training: Training): string {
  const trial = `trial ${training.trial ?? ''}`;
  const texts: { readonly [S in Training['stage']]: string } = {
    search: trial,
    final: `${trial}, final training`,
    teacher: 'the teacher',
    supernet: 'the supernet',
  };
  return texts[training.stage];
}

/** Merges two parts of a curve, sorted by epoch; `later` wins. */
export function joinedCurve(known: readonly CurvePoint[], later: readonly CurvePoint[]): readonly CurvePoint[] {
  const points = new Map([...known, ...later].map((point) => [point.epoch, point]));
  return [...points.values()].sort((a, b) => a.epoch - b.epoch);
}

/** A rise of the validation loss by less than this share is noise. */
const risen = 0.02;

/** Whether a training was still improving at its end, by the validation loss; null with fewer than three epochs. */
export function fitText(points: readonly CurvePoint[]): string | null {
  const last = points.at(-1);
  if (last === undefined || points.length < 3) return null;
  const best = points.reduce((least, point) => (point.validationLoss < least.validationLoss ? point : least));
  const rise = last.validationLoss / best.validationLoss - 1;
  const [lowest, now] = [best.validationLoss, last.validationLoss].map((loss) => loss.toPrecision(3));
  if (best.epoch === last.epoch) return `no overfitting: validation loss is lowest (${lowest}) in the last epoch`;
  const since = `validation loss was lowest (${lowest}) in epoch ${best.epoch + 1} of ${last.epoch + 1}`;
  return rise > risen && last.trainLoss < best.trainLoss
    ? `overfitting: ${since}, and rose to ${now} while training loss fell`
    : `no clear overfitting: ${since}, now ${now}`;
}

/** The number of trainings that are kept: a page that is open for days must not grow. */
const most = 200;

const keyOf = ({ stage, trial }: Training): string => `${stage} ${trial ?? ''}`;

/** The epochs that ended since the page was opened, by training. */
export class LiveCurves {
  /** By training, the most recently changed one last. */
  private readonly points = new Map<string, readonly CurvePoint[]>();

  readonly version = signal(0);

  /** Adds epochs. An epoch that is trained again, after a retry, replaces itself and all later ones. */
  add(epochs: readonly EpochChange[]): void {
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
    if (epochs.length > 0) this.version.value++;
  }

  of(training: Training): readonly CurvePoint[] {
    return this.points.get(keyOf(training)) ?? [];
  }
}
