import type { CandidateColumns } from '../../../experiments/page/api.js';
import { Candidates } from '../../../ui/data/candidates.js';
import { fieldsOf, type Known } from '../../../ui/data/fields.js';

const first: CandidateColumns = {
  number: [0, 1, 2, 3],
  precision: ['fp32', 'int8', 'fp32', 'fp32'],
  chosen: [true, true, true, true],
  state: ['complete', 'complete', 'pruned', 'running'],
  values: { accuracy: [0.9, 0.87, null, null], latency_ms: [1.5, 0.4, 0.2, null] },
  provenance: {
    accuracy: ['measured', 'measured', null, null],
    latency_ms: ['measured', 'predicted', 'predicted', null],
  },
  choices: { 'block3.kernel': [3, 5, 7, 3], act: ['relu6', 'hswish', 'relu6', null], state: ['a', 'b', 'c', 'd'] },
  finalAccuracy: [0.92, null, null, null],
  testAccuracy: [null, null, null, null],
  startedAfter: [0, 10, 20, 30],
  finishedAfter: [9, 18, 27, null],
  rejected: [0, 2, 0, 0],
  attempts: [1, 1, 0, 2],
  enqueued: ['resnet, "small"', null, null, null],
};

/** Four candidates of which something differs in every column. */
export function fewCandidates(): Known {
  const candidates = new Candidates();
  candidates.merge(first);
  return {
    candidates,
    objectives: [
      { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
      { name: 'latency_ms', direction: 'minimize', cost: 'cheap' },
    ],
    measures: { accuracy: { title: 'accuracy', unit: 'share' }, latency_ms: { title: 'latency', unit: 'ms' } },
    decisions: ['block3.kernel', 'act', 'state'],
    severalPrecisions: true,
    onFrontier: (row) => row < 2,
    textOf: (number) =>
      number === 3
        ? undefined
        : {
            number,
            genotypeId: `0-${number}`,
            reason: number === 1 ? 'mutation of 0' : 'random',
            message: number === 2 ? 'predicted\nlatency' : null,
            pending: [],
          },
  };
}

export const fewFields = () => fieldsOf(fewCandidates());
