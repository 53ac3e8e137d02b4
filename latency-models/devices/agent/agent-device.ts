import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { NasError } from '../../../base/errors.js';
import type { IntegerArithmetic } from '../../../compiler/index.js';
import {
  DeviceUnavailable,
  modelOf,
  type Device,
  type Measurable,
  type Measurement,
  type MeasureOptions,
  type Protocol,
} from '../../device.js';
import { defaultProtocol } from '../../protocol.js';
import type { AgentConfig } from '../../schema.js';
import { AgentClient, sha256 } from './client.js';
import type { MeasurementState } from './wire.js';
import { counted } from '../../../base/text.js';

/** Most repetitions of a measurement that restarts of the agent have lost. */
const maxRestarts = 2;
/** Most uploads of the models of one request. */
const maxUploads = 3;
/** Shortest and longest polling interval in ms; polls load the agent's machine slightly. */
const [minPoll, maxPoll] = [50, 1000];

/** A measurement without progress for this long, in ms, is given up; the agent itself ends hung ones earlier. */
const defaultSilenceMs = 20 * 60_000;

interface Work {
  readonly id: string;
  readonly models: readonly Uint8Array[];
  readonly protocol: Protocol;
}

/**
 * Another machine on which `nas agent` runs. Several networks are one measurement there, with interleaved blocks. A
 * measurement has an id, under which it is found again after a broken connection. Only if the agent was restarted it is
 * repeated, with a note in its environment.
 */
export class AgentDevice implements Device {
  readonly name: string;

  /** @throws NasError `invalid-input` when the token file cannot be read. */
  constructor(
    private readonly config: AgentConfig,
    private readonly silenceMs = defaultSilenceMs,
  ) {
    this.name = `agent/${new URL(config.url).host}`;
    new AgentClient(config);
  }

  async measureAll(
    subjects: readonly Measurable[],
    protocol: Protocol = defaultProtocol,
    options: MeasureOptions = {},
  ): Promise<Measurement[]> {
    if (subjects.length === 0) return [];
    const client = new AgentClient(this.config, options.signal);
    const id = options.id ?? randomUUID();
    try {
      const work = { id, models: await Promise.all(subjects.map(modelOf)), protocol };
      const { measurements, restarts } = await this.await(client, work, options);
      return measurements.map((measurement) => this.named(measurement, restarts));
    } catch (error) {
      if (options.signal?.aborted === true) await client.cancel(id);
      throw error;
    }
  }

  /** As the agent reports; boards, of which it reports nothing, run integers alone: their sums are exact. */
  async integers(): Promise<IntegerArithmetic> {
    return (await new AgentClient(this.config).device()).integers ?? 'exact';
  }

  /** Requests a measurement, or finds an earlier request, and waits for the result. */
  private async await(client: AgentClient, work: Work, { onProgress }: MeasureOptions) {
    let restarts = 0;
    let poll = minPoll;
    let changed = performance.now();
    let state = await this.submit(client, work, false);
    for (;;) {
      switch (state.state) {
        case 'done':
          return { measurements: state.measurements, restarts };
        case 'failed':
          throw this.failure(state);
        case 'lost':
          if (restarts === maxRestarts)
            throw new DeviceUnavailable(
              `the agent at ${this.config.url} was restarted ${restarts + 1} times meanwhile`,
            );
          restarts++;
          state = await this.submit(client, work, true);
          continue;
        case 'running':
          onProgress?.(state.done, state.total);
          break;
        case 'queued':
          break;
      }
      await sleep(poll);
      poll = Math.min(maxPoll, 2 * poll);
      const next = await client.state(work.id);
      if (!isDeepStrictEqual(next, state)) changed = performance.now();
      else if (performance.now() - changed > this.silenceMs) {
        await client.cancel(work.id);
        throw new DeviceUnavailable(
          `the measurement on the agent at ${this.config.url} has been ${state.state} without progress for ${this.silenceMs / 1000} s`,
        );
      }
      state = next;
    }
  }

  /** Uploads the models and requests the measurement; repeats this when the agent has removed models in between. */
  private async submit(client: AgentClient, { id, models, protocol }: Work, again: boolean): Promise<MeasurementState> {
    for (let tries = 0; tries < maxUploads; tries++) {
      for (const model of models) await client.upload(model);
      const state = await client.request({ id, models: models.map(sha256), protocol, again });
      if (state !== 'missing') return state;
    }
    throw new DeviceUnavailable(`the agent at ${this.config.url} does not keep the models that it is given`);
  }

  private failure({ code, message, hint }: MeasurementState & { readonly state: 'failed' }): NasError {
    const details = hint === undefined ? {} : { hint };
    const full = `${message} (on the agent at ${this.config.url})`;
    return code === 'invalid-input' ? new NasError(code, full, details) : new DeviceUnavailable(full, details);
  }

  private named({ environment, ...measurement }: Measurement, restarts: number): Measurement {
    const again = restarts === 0 ? [] : [`measured again after ${counted(restarts, 'interrupted measurement')}`];
    const notes = [...(environment.notes ?? []), `measured by ${environment.device}`, ...again];
    return { ...measurement, environment: { ...environment, device: this.name, notes } };
  }
}
