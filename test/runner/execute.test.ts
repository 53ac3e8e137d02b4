import { describe, expect, it } from 'vitest';
import { requireResult } from '../../runner/execute.js';
import type { Objective } from '../../search/index.js';
import type { TrialRecord } from '../../store/index.js';
import { complete } from './stored/trials.js';

const objectives: Objective[] = [{ name: 'accuracy', direction: 'maximize', cost: 'expensive' }];

const failed = (number: number, message: string): TrialRecord => ({
  ...complete(number, {}),
  state: 'failed',
  message,
});

describe('a search without a result', () => {
  it('tells the reason that most of its failures share', () => {
    const trials = [
      failed(0, 'the worker process was ended by SIGKILL'),
      failed(1, 'the loss is not finite in step 12'),
      failed(2, 'the loss is not finite in step 7'),
    ];
    expect(() => requireResult(trials, objectives)).toThrow(
      'all 3 trials failed; trial 1: the loss is not finite in step 12 (the reason of 2)',
    );
  });

  it('is none where a trial is complete', () => {
    const trials = [failed(0, 'x'), complete(1, { accuracy: 0.5 })];
    expect(() => requireResult(trials, objectives)).not.toThrow();
  });
});
