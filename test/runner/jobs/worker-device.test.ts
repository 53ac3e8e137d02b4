import { expect, it } from 'vitest';
import type { JobContext, JobOf } from '../../../runner/jobs/jobs.js';
import { runJob } from '../../../runner/jobs/run-job.js';
import { asDoneThere, tagOf } from '../../../runner/jobs/job-files.js';
import { deviceSchema } from '../../../latency-models/index.js';

const context: JobContext = {
  onEvent: () => undefined,
  signal: new AbortController().signal,
  pause: () => Promise.resolve(),
};
const asking = (device: unknown): JobOf<'integers'> => ({ kind: 'integers', device: deviceSchema.parse(device) });

it('measures for a tag on the worker itself', async () => {
  const job = asking({ type: 'worker', tag: 'pi5', threads: 2 });
  expect(tagOf(job)).toBe('pi5');
  await expect(runJob(job, context)).rejects.toThrow('by runs with a queue');
  const there = asDoneThere(job);
  expect(there).toEqual(asking({ type: 'local', threads: 2 }));
  expect(tagOf(there)).toBeNull();
  expect(await runJob(there, context)).toBe(await runJob(asking('local'), context));
});

it('leaves other jobs as they are', () => {
  const jobs = [asking('local'), asking({ type: 'agent', url: 'http://10.0.0.2:7700' })];
  expect(jobs.map(asDoneThere)).toEqual(jobs);
  expect(jobs.map(tagOf)).toEqual([null, null]);
});
