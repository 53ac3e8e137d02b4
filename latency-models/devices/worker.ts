import { invalidInput, type NasError } from '../../base/errors.js';
import type { Measurement } from '../device.js';
import type { LocalConfig, WorkerConfig } from '../schema.js';

/** The device that a worker measures with on its own machine. */
export const localDeviceOf = ({ provider, threads, batch, precision }: WorkerConfig): LocalConfig => ({
  type: 'local',
  provider,
  threads,
  batch,
  ...(precision !== undefined && { precision }),
});

/**
 * A worker's measurement under the name of its tag: `worker/pi5/cpu/1 thread/batch 1`. Processor, versions and load stay
 * those of the worker's machine.
 * @param host the worker's machine, if known
 */
export function asMeasuredBy({ tag }: WorkerConfig, measured: Measurement, host: string | undefined): Measurement {
  const { environment } = measured;
  const device = environment.device.replace(/^local(?=\/|$)/, `worker/${tag}`);
  const notes = [...(environment.notes ?? []), ...(host === undefined ? [] : [`measured on ${host}`])];
  return { ...measured, environment: { ...environment, device, ...(notes.length > 0 && { notes }) } };
}

/** The error for a worker device outside a run with a queue. */
export const needsQueue = ({ tag }: WorkerConfig): NasError =>
  invalidInput(`workers with the tag ${tag} are measured on by runs with a queue of workers, not from here`, {
    hint: `In an experiment: workers: {type: queue, url: ...} and latency: {device: {type: worker, tag: ${tag}}}. Without a queue, nas agent measures on another machine: --device agent:url=http://HOST:7700.`,
  });
