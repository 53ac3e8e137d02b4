import { taskOf } from '../schema/measures.js';
import { type TrainingCheck, when } from './conditional-checks.js';

/** What detectors do not have: a supernet, a teacher, quantization. */
const notForDetectors: TrainingCheck = ({ data, supernet, teacher, compress: { int8 } }) => {
  if (taskOf(data) !== 'detection') return [];
  const boxes = 'the data has boxes';
  return [
    ...when(supernet !== undefined, ['supernet'], `${boxes}, and detectors share no weights: expected no supernet`),
    ...when(
      teacher.type !== 'none',
      ['teacher'],
      `got "${teacher.type}"; ${boxes}, and a detector has no teacher: expected none`,
    ),
    ...when(
      int8 !== 'off',
      ['compress', 'int8'],
      `got "${int8}"; ${boxes}, and a search does not quantize detectors: expected off`,
    ),
  ];
};

/** Checks of experiments whose data has boxes. */
export const boxChecks: readonly TrainingCheck[] = [notForDetectors];
