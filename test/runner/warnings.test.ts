import { expect, test } from 'vitest';
import { parseExperiment, trainingOf } from '../../experiments/parse/index.js';
import { warningsOf } from '../../runner/start-checks.js';

function warnings(text: string): string[] {
  const written = `name: x\ndata: fashion-mnist\nspace: mobilenet\n${text}`;
  return warningsOf(trainingOf(parseExperiment('exp.yaml', written)));
}

test('two corrections for rare classes are warned of, once', () => {
  const warning =
    'class_weight: auto and class_sampling: balanced each correct for rare classes, and together too much: give one of them';
  expect(warnings('train: {class_weight: auto, class_sampling: balanced}\nfinal: {epochs: 9}')).toEqual([warning]);
  expect(warnings('train: {class_weight: auto}')).toEqual([]);
});

test('a final training that repeats the search is warned of', () => {
  const warning = expect.stringMatching(/^final: begins as the search's trainings do .* their 4 epochs/) as string;
  expect(warnings('train: {epochs: 4}\nfinal: {epochs: 3}')).toEqual([warning]);
});
