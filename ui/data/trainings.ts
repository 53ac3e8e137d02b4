import type { CurvePoint, Training } from '../../experiments/page/api.js';

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
