import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { trialsCsv, trialsJson } from '../../../../ui/pages/trials/downloads.js';
import { fewCandidates, fewFields } from '../../data/columns.js';

describe('files of trials', () => {
  it('are CSV that starts with the columns of nas trials', () => {
    const text = trialsCsv([2, 0], fewFields()).join('');
    const [head, ...lines] = parse(text);
    expect(head.slice(0, 8)).toEqual([
      'trial',
      'state',
      'precision',
      'block3.kernel',
      'act',
      'decision.state',
      'accuracy',
      'latency_ms',
    ]);
    expect(new Set(head).size).toBe(head.length);
    expect(lines.map(([number]) => number)).toEqual(['2', '0']);
    const cell = (line: number, name: string): string => lines[line][head.indexOf(name)];
    expect(cell(0, 'message')).toBe('predicted\nlatency');
    expect(cell(1, 'enqueued')).toBe('resnet, "small"');
    expect(cell(0, 'accuracy')).toBe('');
    expect(cell(1, 'accuracy')).toBe('0.9');
    expect(cell(1, 'took')).toBe('9');
    expect(cell(1, 'frontier')).toBe('true');
  });

  it('are JSON with the keys of nas trials', () => {
    const trials: unknown = JSON.parse(trialsJson([1, 2], fewCandidates()).join(''));
    expect(trials).toMatchObject([
      {
        number: 1,
        precision: 'int8',
        genotypeId: '0-1',
        values: { accuracy: 0.87, latency_ms: 0.4 },
        provenance: { accuracy: 'measured', latency_ms: 'predicted' },
        choices: { 'block3.kernel': 5, act: 'hswish', state: 'b' },
        reason: 'mutation of 0',
        onFrontier: true,
      },
      { number: 2, values: { latency_ms: 0.2 }, message: 'predicted\nlatency', finalAccuracy: null },
    ]);
    expect(JSON.parse(trialsJson([], fewCandidates()).join(''))).toEqual([]);
  });
});
