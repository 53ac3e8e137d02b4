import { taskOf } from '../schema/measures.js';
import { isOwnSupernet } from '../schema/run-experiment.js';
import { type TrainingCheck, when } from './conditional-checks.js';

/** What detectors do not have: a teacher, and answers of the largest network of a supernet, whose maps have another size. */
const notForDetectors: TrainingCheck = ({ data, supernet, teacher }) => {
  if (taskOf(data) !== 'detection') return [];
  const boxes = 'the data has boxes';
  const softLabels = supernet !== undefined && isOwnSupernet(supernet) ? supernet.soft_labels : 0;
  return [
    ...when(
      softLabels !== 0,
      ['supernet', 'soft_labels'],
      `${boxes}, and the maps of detectors have unequal sizes: expected 0`,
    ),
    ...when(
      teacher.type !== 'none',
      ['teacher'],
      `got "${teacher.type}"; ${boxes}, and a detector has no teacher: expected none`,
    ),
  ];
};

/** Checks of experiments whose data has boxes. */
export const boxChecks: readonly TrainingCheck[] = [notForDetectors];
