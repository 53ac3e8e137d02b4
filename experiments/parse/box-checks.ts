import { taskOf } from '../schema/measures.js';
import { type TrainingCheck, when } from './conditional-checks.js';

/** What detectors do not have: a supernet, and a teacher. */
const notForDetectors: TrainingCheck = ({ data, supernet, teacher }) => {
  if (taskOf(data) !== 'detection') return [];
  const boxes = 'the data has boxes';
  return [
    ...when(supernet !== undefined, ['supernet'], `${boxes}, and detectors share no weights: expected no supernet`),
    ...when(
      teacher.type !== 'none',
      ['teacher'],
      `got "${teacher.type}"; ${boxes}, and a detector has no teacher: expected none`,
    ),
  ];
};

/** Checks of experiments whose data has boxes. */
export const boxChecks: readonly TrainingCheck[] = [notForDetectors];
