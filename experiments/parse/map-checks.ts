import { isPlaced } from '../../trainers/index.js';
import { isOwnSupernet } from '../schema/run-experiment.js';
import { type TrainingCheck, when } from './conditional-checks.js';

/** Teachers of detectors and segmenters: a supernet has none, because the maps of its members have unequal sizes, and a run adapts no file. */
const notForMaps: TrainingCheck = ({ data, supernet, teacher }) => {
  if (!isPlaced(data)) return [];
  const [what, networks] = data.type === 'boxes' ? ['boxes', 'detectors'] : ['masks', 'segmenters'];
  const own = supernet !== undefined && isOwnSupernet(supernet) ? supernet : null;
  const teachers =
    teacher.type === 'average'
      ? teacher.of.map((one, i) => [['teacher', 'of', i], one] as const)
      : [[['teacher'], teacher] as const];
  return [
    ...when(
      own !== null && teacher.type !== 'none',
      ['teacher'],
      `got "${teacher.type}"; the data has ${what}, and a supernet of ${networks} has no teacher: expected none, or no supernet`,
    ),
    ...teachers.flatMap(([path, one]) =>
      one.type === 'file'
        ? when(
            one.adapt !== undefined && one.adapt !== 'none',
            [...path, 'adapt'],
            `got "${one.adapt}"; the data has ${what}: expected none, and a file that nas tune adapted to them`,
          )
        : [],
    ),
  ];
};

/** Checks of experiments whose data has boxes or masks. */
export const mapChecks: readonly TrainingCheck[] = [notForMaps];
