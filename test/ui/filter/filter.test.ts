import { describe, expect, it } from 'vitest';
import { completionAt } from '../../../ui/filter/complete.js';
import { compileFilter } from '../../../ui/filter/compile.js';
import { FilterProblem } from '../../../ui/filter/tokens.js';
import { valuesOf } from '../../../ui/data/fields.js';
import { fewFields } from '../data/columns.js';

const rows = [0, 1, 2, 3];
const rowsOf = (text: string): readonly number[] => {
  const filter = compileFilter(text, fewFields());
  return filter === null ? rows : rows.filter(filter.test);
};

function problemOf(text: string): string {
  try {
    compileFilter(text, fewFields());
  } catch (error) {
    if (error instanceof FilterProblem)
      return `${text.slice(error.span.at, error.span.end)}: ${error.message}${error.hint === undefined ? '' : `. ${error.hint}`}`;
    throw error;
  }
  return 'no problem';
}

describe('expressions', () => {
  it.each<[string, readonly number[]]>([
    ['', rows],
    ['accuracy > 0.87 and latency_ms < 2', [0]],
    ['accuracy >= 87 %', [0, 1]],
    ['accuracy > 87%', [0]],
    ['state = complete', [0, 1]],
    ['STATE = Complete AND Accuracy < .9', [1]],
    ['state != complete', [2, 3]],
    ['block3.kernel in (3, 5)', [0, 1, 3]],
    ['block3.kernel not in (3, 5)', [2]],
    ['not (block3.kernel = 3 or act = hswish)', [2]],
    ['act = relu6 or act = hswish and frontier', [0, 1, 2]],
    ['(act = relu6 or act = hswish) and frontier', [0, 1]],
    ['precision = int8', [1]],
    ['number >= 2', [2, 3]],
    ['frontier', [0, 1]],
    ['frontier = no', [2, 3]],
    ['not frontier', [2, 3]],
    ['enqueued', [0]],
    ['enqueued ~ "small"', [0]],
    [String.raw`enqueued = 'resnet, "small"'`, [0]],
    [String.raw`enqueued = "resnet, \"small\""`, [0]],
    ['tag = V2', [0]],
    ['tag != good', [1, 2, 3]],
    ['tag in (v2, bad)', [0, 2]],
    ['tag', [0, 2]],
    ['tag = none', [1, 3]],
    ['note ~ blurred', [0]],
    ['reason ~ MUTA', [1]],
    ['message ~ latency', [2]],
    ['latency_ms.from = predicted', [1, 2]],
    ['decision.state = b', [1]],
    ['final_accuracy', [0]],
    ['test_accuracy = none', rows],
    ['accuracy = none', [2, 3]],
    ['accuracy != none && latency_ms <> 1.5', [1]],
    ['accuracy < 1', [0, 1]],
    ['accuracy != 0.9', [1, 2, 3]],
    ['took <= 8', [1, 2]],
    ['"act" = "relu6"', [0, 2]],
    ['act !~ relu', [1, 3]],
  ])('%s', (text, wanted) => {
    expect(rowsOf(text)).toEqual(wanted);
  });

  it.each([
    ['acuracy > 0.8', 'acuracy: there is no acuracy. Did you mean accuracy?'],
    ['number > 1 and zzz', 'zzz: there is no zzz'],
    ['accuracy > high', 'high: > needs a number, not high'],
    ['accuracy = high', 'high: accuracy is a number, high is not'],
    ['state = completed', 'completed: state is never completed. Did you mean complete?'],
    ['precision = fp64', 'fp64: precision is never fp64. It is one of fp32, int8.'],
    ['frontier = 3', '3: frontier is yes or no, not 3'],
    ['accuracy ~ 9', '9: ~ searches texts, accuracy is not a text. Write = or < or >.'],
    ['enqueued > 3', '3: > compares numbers, enqueued is not a number. Write = or !=.'],
    ['accuracy >', ': a value is missing at the end'],
    ['accuracy > 1 latency_ms', 'latency_ms: expected "and" or "or", not latency_ms'],
    ['(accuracy > 1', ': ")" is missing at the end'],
    ['act in 3', '3: expected "(" and values, not 3'],
    ['act in (3', ': "," or ")" is missing at the end'],
    ['act = "relu', '"relu: this text is not closed. Write " where it ends.'],
    ['act # 3', '#: unexpected #'],
    ['and', 'and: expected a name, not and'],
    ['act not = 3', '=: expected "in", not ='],
    ['act ~ none', 'none: ~ needs a text. Write act = none.'],
  ])('%s says where and what', (text, wanted) => {
    expect(problemOf(text)).toBe(wanted);
  });

  it('rejects nesting that would overflow the stack', () => {
    expect(problemOf('('.repeat(100_000))).toContain('more than 100 nested parentheses');
    expect(problemOf('not '.repeat(100_000))).toContain('more than 100 nested parentheses');
  });

  it('lists the fields in the expression', () => {
    expect([...(compileFilter('Reason ~ x and not (accuracy > 1 or frontier)', fewFields())?.reads ?? [])]).toEqual([
      'reason',
      'accuracy',
      'frontier',
    ]);
  });
});

describe('completion', () => {
  const options = (text: string): readonly string[] | undefined =>
    completionAt(text, text.length, fewFields(), (field) => valuesOf(field, rows))?.options.map((each) => each.text);

  it.each<[string, readonly string[] | undefined]>([
    ['acc', ['accuracy', 'final_accuracy', 'test_accuracy', 'accuracy.from']],
    ['frontier and lat', ['latency_ms', 'latency_ms.from']],
    ['state = ', ['waiting', 'running', 'complete', 'pruned', 'failed']],
    ['state = co', ['complete']],
    ['state = complete', undefined],
    ['block3.kernel in (', ['3', '5', '7']],
    ['block3.kernel not in (3, ', ['3', '5', '7']],
    ['act = h', ['hswish']],
    ['enqueued = ', [String.raw`"resnet, \"small\""`]],
    ['frontier a', ['and']],
    ['accuracy > ', undefined],
    ['"open', undefined],
  ])('%s', (text, wanted) => {
    const found = options(text);
    expect(wanted === undefined ? found : found?.toSorted()).toEqual(wanted?.toSorted());
  });

  it('replaces the word at the caret only', () => {
    const text = 'acc > 0.5 and number < 3';
    expect(completionAt(text, 3, fewFields(), () => [])).toMatchObject({ at: 0, end: 3 });
  });
});
