import { isOwnSupernet } from '../schema/run-experiment.js';
import { type TrainingCheck, when } from './conditional-checks.js';

/**
 * Teachers of detectors: centroids have none, a supernet has none because the maps of its members have unequal sizes, and a run adapts
 * no file.
 */
const notForDetectors: TrainingCheck = ({ data, supernet, teacher }) => {
  if (data.type !== 'boxes') return [];
  const boxes = 'the data has boxes';
  const own = supernet !== undefined && isOwnSupernet(supernet) ? supernet : null;
  const teachers =
    teacher.type === 'average'
      ? teacher.of.map((one, i) => [['teacher', 'of', i], one] as const)
      : [[['teacher'], teacher] as const];
  return [
    ...when(
      data.task === 'centroids' && teacher.type !== 'none',
      ['teacher'],
      `got "${teacher.type}"; data.task is centroids, which learn from no teacher: expected none`,
    ),
    ...when(
      own !== null && teacher.type !== 'none',
      ['teacher'],
      `got "${teacher.type}"; ${boxes}, and a supernet of detectors has no teacher: expected none, or no supernet`,
    ),
    ...teachers.flatMap(([path, one]) =>
      one.type === 'file'
        ? when(
            one.adapt !== undefined && one.adapt !== 'none',
            [...path, 'adapt'],
            `got "${one.adapt}"; ${boxes}: expected none, and a file that nas tune adapted to them`,
          )
        : [],
    ),
  ];
};

/** Checks of experiments whose data has boxes. */
export const boxChecks: readonly TrainingCheck[] = [notForDetectors];
