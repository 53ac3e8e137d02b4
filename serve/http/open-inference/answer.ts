import type { FastifyReply, FastifyRequest } from 'fastify';
import { probabilitiesToLogits } from '../../../compiler/runtime/classifier/inputs-outputs.js';
import { type Answer, type InferencePool, type Input, NotAnswered, type RunOptions } from '../../inference/pool.js';
import type { RouteContext } from '../context.js';
import { isFinite32, renderedInputs } from './tensors.js';
import { badRequest, shown } from '../refusals.js';
import type { InferRequest } from './request.js';
import type { Served } from '../served.js';
import { headerLength, outputName } from '../wire.js';

/** The output name to send: the requested one. @throws Refusal 400 when there is no such output. */
function checkOutput(asked: string | undefined, { output }: Served): string {
  if (asked === undefined || asked === output.name || asked === outputName) return asked ?? output.name;
  throw badRequest(
    `there is no output ${shown(asked)}`,
    `It is called ${[...new Set([output.name, outputName])].join(' or ')}.`,
  );
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;

/** Networks and times of an answer; for several images all networks, their mean score, and the longest times. */
function parametersOf(answers: readonly Answer[]) {
  const networks = new Set<string>();
  let [accuracy, queuedMs, computedMs, batch] = [0, 0, 0, 0];
  for (const answer of answers) {
    networks.add(answer.model.name);
    // An unknown accuracy makes the mean unknown.
    accuracy += answer.model.accuracy ?? NaN;
    queuedMs = Math.max(queuedMs, answer.queuedMs);
    computedMs = Math.max(computedMs, answer.computedMs);
    batch = Math.max(batch, answer.batch);
  }
  return {
    network: [...networks].join(','),
    accuracy: Number.isNaN(accuracy) ? undefined : accuracy / answers.length,
    queued_ms: round(queuedMs),
    computed_ms: round(computedMs),
    batch,
  };
}

/** Outputs of all images, [images, outputs], converted to the kind that the metadata states. */
function rowsOf(answers: readonly Answer[], { models, output }: Served): Float32Array {
  const width = output.classes.length;
  const rows = new Float32Array(answers.length * width);
  answers.forEach(({ model, outputs }, i) => {
    const kind = models.length === 1 ? output.kind : models.find((pooled) => pooled.model === model)?.outputs;
    rows.set(
      kind === undefined || kind === output.kind ? outputs : probabilitiesToLogits[output.task](outputs),
      i * width,
    );
  });
  return rows;
}

/** Bytes of an output in JSON, with the objects from which it is written. */
const bytesOfNumber = 64;

interface Run {
  readonly context: Pick<RouteContext, 'decoder'>;
  readonly pool: InferencePool;
  readonly run: RunOptions;
  readonly request: Pick<FastifyRequest, 'admitted' | 'trace'>;
}

/**
 * Computes the outputs of a request.
 * @throws Refusal when the request does not match the model; NotAnswered
 */
export async function outputsFor(
  asked: InferRequest,
  given: readonly Input[],
  served: Served,
  { context: { decoder }, pool, run, request }: Run,
) {
  const name = checkOutput(asked.output, served);
  const { length: width } = served.output.classes;
  request.admitted.takeForAnswer(given.length * width * bytesOfNumber);
  const inputs = await renderedInputs(given, served, { layout: pool.layout, decoder, run });
  const answers = await pool.run(inputs, run);
  for (const one of answers) request.trace?.answered(one);
  return {
    rows: answers.length === 1 && served.models.length === 1 ? answers[0].outputs : rowsOf(answers, served),
    head: { name, datatype: 'FP32', shape: [answers.length, width] },
    answer: {
      model_name: served.name,
      model_version: served.version,
      id: asked.id,
      parameters: parametersOf(answers),
    },
  };
}

type Outputs = Awaited<ReturnType<typeof outputsFor>>;

/**
 * Sends the outputs, as numbers in JSON or as bytes after it.
 * @throws NotAnswered `failed` when a number has no JSON
 */
export function sendAnswer(reply: FastifyReply, isBinary: boolean, { rows, head, answer }: Outputs): FastifyReply {
  const json = (output: object): string => JSON.stringify({ ...answer, outputs: [{ ...head, ...output }] });
  if (!isBinary && !isFinite32(rows))
    throw new NotAnswered('failed', 'the network returned values that are not finite; binary outputs can carry them');
  if (!isBinary) return reply.type('application/json').send(json({ data: Array.from(rows) }));
  const text = json({ parameters: { binary_data_size: rows.byteLength } });
  const length = Buffer.byteLength(text);
  const body = Buffer.allocUnsafe(length + rows.byteLength);
  body.write(text);
  body.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), length);
  return reply.header(headerLength, length).type('application/octet-stream').send(body);
}
