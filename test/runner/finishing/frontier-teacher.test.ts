import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../../experiments/parse/index.js';
import { runExperiment } from '../../../runner/index.js';
import type { RunEvent } from '../../../runner/events.js';
import { JobFailed } from '../../../runner/jobs/job-runner.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { inside, insideExcept, interrupted, messagesOf, resumeInside } from '../inside.js';

const folder = cachedFolder();

/** Three networks on the frontier: each trial is more accurate and larger, or smaller. */
const experiment = (name: string) =>
  loadExperiment(
    writeExperiment(folder, {
      name,
      teacher: 'none',
      train: '{ epochs: 1, batch: 32 }',
      objectives: '[{ name: accuracy, constraint: { min: 0 } }, macs, params]',
      search: '{ controller: random, trials: 4, parallel: 1 }',
      final: '{ steps: 4 }',
    }),
  );

const findingsOf = (workdir: string) =>
  reading(workdir, (store) => ({
    finals: store.finals.all().map(({ trial, accuracy, epochs }) => ({ trial, accuracy, epochs })),
    searched: store.trials.all().map(({ number, values }) => [number, values['accuracy'].value] as const),
  }));

describe('the frontier as teacher of its final trainings', () => {
  it('learns from the labels in its most accurate network, and from that in all others, also after an interruption', async () => {
    const whole = join(folder, 'whole');
    const events: RunEvent[] = [];
    await runExperiment(experiment('taught'), { workdir: whole, workers: inside }, (event) => events.push(event));
    const { finals, searched } = findingsOf(whole);
    expect(finals.length).toBeGreaterThan(1);
    const members = new Set(finals.map(({ trial }) => trial));
    const [[best]] = searched.filter(([number]) => members.has(number)).sort((a, b) => b[1] - a[1]);
    const notes = messagesOf(events, ['note']);
    expect(notes).toContainEqual(expect.stringMatching(`^trial ${best} teaches the final trainings`));

    const cut = join(folder, 'cut');
    const isFinal = (event: RunEvent) => event.kind === 'trial-finished' && event.stage === 'final';
    await interrupted(experiment('taught'), cut, isFinal);
    await resumeInside(cut);
    expect(findingsOf(cut)).toEqual({ finals, searched });
  });

  it('costs no final training where its answers cannot be had', async () => {
    const workdir = join(folder, 'silent');
    const events: RunEvent[] = [];
    const workers = () => insideExcept(({ job }) => (job.kind === 'teacher' ? new JobFailed('no memory') : undefined));
    await runExperiment(experiment('silent'), { workdir, workers }, (event) => events.push(event));
    expect(messagesOf(events, ['warning'])).toContainEqual(
      expect.stringMatching(/^trial \d+ cannot teach: no memory. The others learn from the labels$/),
    );
    const { finals } = findingsOf(workdir);
    expect(finals.length).toBeGreaterThan(1);
    expect(finals.every(({ accuracy }) => accuracy !== null)).toBe(true);
  });
});
