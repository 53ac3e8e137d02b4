import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { lockWorkdir } from '../../../store/index.js';
import { writeExampleRun } from './example-run.js';
import { describeInBrowser } from './page.js';

interface Question {
  /** As in docs/ui.md. */
  readonly question: string;
  readonly path: string;
  /** Texts of the page that answer it. */
  readonly answers: readonly RegExp[];
}

/** What a reader must find on the pages of a run without reading code; docs/ui.md lists the questions and the places. */
const questions: readonly Question[] = [
  {
    question: 'Which latencies can be trusted?',
    path: '/runs/example',
    answers: [
      /\d+ of \d+ measured latencies are not reliable \(other programs kept 1\.1 of 2 processors busy\)/,
      /nas latency measure \S+ --frontier/,
    ],
  },
  {
    question: 'Is trial A faster than trial B?',
    path: '/runs/example/compare?trials=26,40',
    answers: [/★/, /by more than noise: its 95 % interval overlaps no other one/, /95 % interval/],
  },
  {
    question: 'Does the last epoch overfit?',
    path: '/runs/example/trials/40',
    answers: [/(search|final training): no overfitting: validation loss is lowest \([\d.]+\) in the last epoch/],
  },
  {
    question: 'Which decisions matter, and how sure is that?',
    path: '/runs/example/importance',
    answers: [/How well the forest predicts unseen trials \(R²; 1 is perfect, 0 is useless\): accuracy -?\d\.\d\d/],
  },
  { question: 'Which data?', path: '/runs/example/trials', answers: [/fashion-mnist, \d+ % for validation/] },
  {
    question: 'Which device?',
    path: '/runs/example/latency',
    answers: [/latency on .+, \d+ threads?, batch \d+, ONNX Runtime/],
  },
  {
    question: 'What is running now, and when does it end?',
    path: '/runs/running',
    answers: [/Training trial 24/, /1 of 4 epochs/, /trials\/h/, /ETA/],
  },
  {
    question: 'Why was this candidate tried?',
    path: '/runs/example/trials/26',
    answers: [/why it was tried\s+greatest expected improvement of the frontier/],
  },
  {
    question: 'How good is the latency model?',
    path: '/runs/example/latency',
    answers: [
      /\d+\.\d % ±\s\d+\.\d\s+mean absolute percentage error, over \d+ reliable measurements/,
      /\d+ of \d+\s+within two predicted standard deviations/,
    ],
  },
  {
    question: 'How do I deploy a network?',
    path: '/runs/example/trials/40',
    answers: [/Export it as ONNX in (fp32|int8)\s+nas export \S+ --trial 40 --to onnx/],
  },
];

const textOf = (page: Page): Promise<string> =>
  page.evaluate(() => document.querySelector('main')?.innerText.replaceAll('\u00a0', ' ') ?? '');

describeInBrowser(
  'ten questions',
  async (folder) => {
    await writeExampleRun(join(folder, 'example'), 'example');
    await writeExampleRun(join(folder, 'running'), 'running', { trials: 24, seed: 2, running: true });
  },
  (site) => {
    for (const { question, path, answers } of questions)
      it(`${question} is answered by the text of ${path}`, async () => {
        const lock = lockWorkdir(join(site().folder, 'running'));
        try {
          const page = await site().open(path);
          for (const answer of answers) await expect.poll(() => textOf(page)).toMatch(answer);
        } finally {
          lock.release();
        }
      });
  },
);

it('the ten questions are those of the guide', () => {
  const guide = readFileSync('docs/ui.md', 'utf8');
  for (const { question } of questions) expect(guide).toContain(`| ${question} |`);
});
