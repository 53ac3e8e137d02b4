import { expect, test } from 'vitest';
import { parseExperiment, trainingOf } from '../../../experiments/parse/index.js';
import { doubtsAbout } from '../../../experiments/runner/prepare-plan.js';
import { onProcessor, type EngineChoice } from '../../../trainers/index.js';

const onCard: EngineChoice = { ...onProcessor, provider: 'webgpu' };

function doubts(text: string, engine: EngineChoice): string[] {
  const written = `name: x\ndata: fashion-mnist\nspace: mobilenet\n${text}`;
  return doubtsAbout(trainingOf(parseExperiment('exp.yaml', written)), engine);
}

test('mixed precision on the processor is warned of, in the search and in the final training', () => {
  const warning = expect.stringMatching(/^precision: mixed is for graphics cards/) as string;
  expect(doubts('train: {precision: mixed}', onProcessor)).toEqual([warning]);
  expect(doubts('train: {epochs: 4}\nfinal: {epochs: 9, precision: mixed}', onProcessor)).toEqual([warning]);
  expect(doubts('train: {precision: mixed}', onCard)).toEqual([]);
  expect(doubts('train: {precision: float32}', onProcessor)).toEqual([]);
});

test('a final training that repeats the search is warned of, wherever it runs', () => {
  const warning = expect.stringMatching(/^final: begins as the search's trainings do .* their 4 epochs/) as string;
  expect(doubts('train: {epochs: 4}\nfinal: {epochs: 3}', onCard)).toEqual([warning]);
});
