import { expect, it } from 'vitest';
import { fieldsOf } from '../../../ui/data/fields.js';
import { candidatesOf, fewCandidates } from './columns.js';

it('cross-validated scores are a field with their standard errors, in runs that have some', () => {
  const names = (known = fewCandidates()): string[] => fieldsOf(known).map(({ name }) => name);
  expect(names()).not.toContain('fold_accuracy');
  const candidates = candidatesOf([{ number: 0, foldAccuracy: 0.852, foldError: 0.0132 }, { number: 1 }]);
  const known = { ...fewCandidates(), candidates };
  expect(names(known)).toContain('fold_accuracy');
  const field = fieldsOf(known).find(({ name }) => name === 'fold_accuracy');
  expect([0, 1].map((row) => field?.text(row))).toEqual(['85.20 % ± 1.3', '-']);
});
