import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { invalidInput, messageOf } from '../base/errors.js';
import { Random } from '../base/random.js';
import { createSession } from '../compiler/index.js';
import type { Device, Measurement, MeasureOptions, Protocol } from './device.js';
import { describeEnvironment } from './environment.js';
import { defaultProtocol, timeInterleaved, type Subject } from './protocol.js';
import { requireProvider } from './providers.js';
import type { DeviceConfig } from './schema.js';

/**
 * This machine: ONNX Runtime with the given execution provider, threads and batch. Each timed run is a whole
 * `session.run` from JavaScript, results on the host included. Inputs are seeded standard normal values.
 */
export class LocalDevice implements Device {
  readonly name: string;

  /** @throws NasError `invalid-input` when this build of ONNX Runtime does not know the provider. */
  constructor(private readonly config: DeviceConfig) {
    requireProvider(config.provider);
    this.name = `local/${config.provider}/${config.threads} thread${config.threads === 1 ? '' : 's'}/batch ${config.batch}`;
  }

  async measure(model: Uint8Array, protocol?: Protocol, options?: MeasureOptions): Promise<Measurement> {
    const [measurement] = await this.measureAll([model], protocol, options);
    return measurement;
  }

  async measureAll(
    models: readonly Uint8Array[],
    protocol: Protocol = defaultProtocol,
    options: MeasureOptions = {},
  ): Promise<Measurement[]> {
    const environment = describeEnvironment(this.name, this.config);
    const sessions: InferenceSession[] = [];
    try {
      for (const model of models) sessions.push(await this.open(model));
      const subjects = sessions.map((session) => subjectOf(session, this.config.batch));
      const timings = await timeInterleaved(subjects, protocol, () => performance.now(), options);
      return timings.map((timing) => ({ ...timing, environment }));
    } finally {
      for (const session of sessions) await session.release();
    }
  }

  private async open(model: Uint8Array): Promise<InferenceSession> {
    const { provider, threads } = this.config;
    try {
      return await createSession(model, { provider, threads });
    } catch (cause) {
      throw invalidInput(messageOf(cause), {
        hint: provider === 'cpu' ? 'Check that the file is a valid ONNX model.' : 'The provider "cpu" runs everywhere.',
        cause,
      });
    }
  }
}

/** A session with its input at hand. */
function subjectOf(session: InferenceSession, batch: number): Subject {
  const feeds = { [session.inputNames[0]]: randomInput(session, batch) };
  return { run: () => session.run(feeds) };
}

function randomInput(session: InferenceSession, batch: number): Tensor {
  const [input] = session.inputMetadata;
  if (session.inputMetadata.length !== 1 || !input.isTensor || input.type !== 'float32')
    throw invalidInput(`the model to measure must have one float32 input, not ${describeInputs(session)}`);
  const [first, ...rest] = input.shape;
  if (typeof first === 'number' && first !== batch)
    throw invalidInput(`the model's batch is fixed at ${first}, but the device measures batches of ${batch}`, {
      hint: 'Export the model with a dynamic batch, or set latency.device.batch to the same number.',
    });
  const image = rest.map((size) => {
    if (typeof size === 'number') return size;
    throw invalidInput(`the model's input ${describeInputs(session)} leaves "${size}" open; only the batch may be`);
  });
  const random = new Random(0, 'latency-input');
  const shape = [batch, ...image];
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return new Tensor('float32', data, shape);
}

const describeInputs = (session: InferenceSession): string =>
  session.inputMetadata
    .map((input) => (input.isTensor ? `${input.name}: ${input.type}[${input.shape.join(', ')}]` : input.name))
    .join(' and ');
