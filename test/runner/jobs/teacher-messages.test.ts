import { expect, test } from 'vitest';
import { weakTeacherMessage } from '../../../runner/trainings/listening.js';
import { teacherMessages } from '../../../runner/trainings/preparations.js';

const normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const teacher = { name: 'resnet.onnx', accuracy: 0.9, chance: { accuracy: 0.1, images: 1000 }, normalisation: null };

test('a teacher that is a network says its accuracy', () => {
  expect(teacherMessages(teacher)).toEqual([
    { kind: 'note', message: 'The teacher, resnet.onnx, has a validation accuracy of 90.00 %' },
  ]);
});

test.each([
  ['configuration', 'note', /mean 0\.485, 0\.456, 0\.406 and .* 0\.229, 0\.224, 0\.225, as the experiment says$/],
  ['metadata', 'note', /as its file's metadata says$/],
  ['data', 'warning', /those of the data: its file has none\. .* set teacher\.normalisation \(imagenet/],
] as const)('a normalisation from the %s is told', (from, kind, text) => {
  const [, message] = teacherMessages({ ...teacher, normalisation: { ...normalisation, from } });
  expect(message.kind).toBe(kind);
  expect(message.message).toMatch(text);
});

test.each([
  [0.1, 0.1, 1000, true],
  [0.02, 0.1, 1000, true],
  [0.12, 0.1, 1000, true],
  [0.2, 0.1, 1000, false],
  [0.2, 0.1, 40, true],
  [0.52, 0.5, 10_000, true],
  [0.7, 0.5, 10_000, false],
])('an accuracy of %d is near a chance of %d on %d images: %s', (accuracy, chance, images, isNear) => {
  const messages = teacherMessages({ ...teacher, accuracy, chance: { accuracy: chance, images } });
  expect(messages.some(({ message }) => /hardly better than always answering/.test(message))).toBe(isNear);
});

test.each([
  ['multi-label', 0.3, 0.32, 'mAP of 32.00 %', 'a random order of the images (30.00 %)'],
  ['regression', 0, -0.4, 'R² of -0.4', 'always answering the mean (0)'],
] as const)('a teacher of the task %s is compared with a guess', (task, chance, accuracy, score, guess) => {
  const [note, warning] = teacherMessages({ ...teacher, accuracy, chance: { accuracy: chance, images: 500 } }, task);
  expect(note.message).toContain(`has a validation ${score}`);
  expect(warning.message).toContain(`is hardly better than ${guess}`);
});

test.each([
  [0.93, 1000, true],
  [0.905, 1000, false],
  [0.93, 40, false],
  [0.8, 1000, false],
])('a teacher of 0.9 and a student of %d on %d images: the teacher knows less: %s', (best, images, isWeak) => {
  const message = weakTeacherMessage({ ...teacher, chance: { accuracy: 0.1, images } }, best);
  expect(message !== null).toBe(isWeak);
  if (isWeak) expect(message).toContain('its accuracy is 90.00 %, that of the best student 93.00 %');
});
