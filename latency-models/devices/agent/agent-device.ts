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

/** How often a measurement is begun again that a restart of the agent has lost. */
const maxRestarts = 2;
/** How often the models are uploaded for one request. */
const maxUploads = 3;
/** Pauses between two looks, in ms; looking costs the agent's machine a little. */
const [firstLook, slowestLook] = [50, 1000];

/** An agent whose measurement stands still for so long, in ms, is not waited for: it ends those that hang itself. */
const defaultSilenceMs = 20 * 60_000;

/** What is asked for. */
interface Work {
  readonly id: string;
  readonly models: readonly Uint8Array[];
  readonly protocol: Protocol;
}

/**
 * Another machine on which `nas agent` runs. Several networks are one measurement there, with their blocks interleaved.
 * A measurement has an id: when the connection breaks it is looked for under that id, and only if the agent itself was
 * restarted it is taken once more, which its environment then says.
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

  async measure(subject: Measurable, protocol?: Protocol, options?: MeasureOptions): Promise<Measurement> {
    const [measurement] = await this.measureAll([subject], protocol, options);
    return measurement;
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

  /** As the agent says; of an older one, which does not, the sums count as exact. */
  async integers(): Promise<IntegerArithmetic> {
    return (await new AgentClient(this.config).device()).integers ?? 'exact';
  }

  /** Waits for a measurement that is asked for now, or was before. */
  private async await(client: AgentClient, work: Work, { onProgress }: MeasureOptions) {
    let restarts = 0;
    let look = firstLook;
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
      await sleep(look);
      look = Math.min(slowestLook, 2 * look);
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

  /** Uploads the models and asks for the measurement; when an agent forgets models in between, once more. */
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
    const told = `${message} (on the agent at ${this.config.url})`;
    return code === 'invalid-input' ? new NasError(code, told, details) : new DeviceUnavailable(told, details);
  }

  private named({ environment, ...measurement }: Measurement, restarts: number): Measurement {
    const again =
      restarts === 0 ? [] : [`measured again after ${restarts} interrupted measurement${restarts === 1 ? '' : 's'}`];
    const notes = [...(environment.notes ?? []), `measured by ${environment.device}`, ...again];
    return { ...measurement, environment: { ...environment, device: this.name, notes } };
  }
}
