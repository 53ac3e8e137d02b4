import type { FastifyReply, FastifyRequest } from 'fastify';
import { product, sum } from '../../../base/statistics.js';
import { probabilitiesToLogits } from '../../../compiler/runtime/classifier/inputs-outputs.js';
import { type Answer, type InferencePool, type Input, NotAnswered, type RunOptions } from '../../inference/pool.js';
import type { RouteContext } from '../context.js';
import { isFinite32, renderedInputs } from './tensors.js';
import { Refusal } from '../../../base/server.js';
import { badRequest, shown } from '../refusals.js';
import type { AskedOutput, InferRequest } from './request.js';
import type { Served } from '../served.js';
import { headerLength, outputName, toThousandths } from '../wire.js';

/** A tensor to send: one of the model's, under the requested name. */
interface Sent extends AskedOutput {
  /** Position among the outputs of the model. */
  readonly at: number;
}

/** The outputs to send: the requested ones, or all. @throws Refusal 400 when there is no such output, or one is requested twice */
function checkOutputs(
  { outputs: asked, isBinary }: InferRequest,
  { name: model, output: { tensors } }: Served,
): Sent[] {
  if (tensors.some(({ shape }) => shape.includes(-1)))
    throw badRequest(`the networks of ${model} have maps of different sizes`, 'Request one network by its name.');
  if (asked.length === 0) return tensors.map(({ name }, at) => ({ name, isBinary, at }));
  const sent = asked.map(({ name, isBinary: own }): Sent => {
    const names = tensors.map((tensor) => tensor.name);
    const at = tensors.length === 1 && name === outputName ? 0 : names.indexOf(name);
    if (at >= 0) return { name, isBinary: own, at };
    const known = tensors.length === 1 ? [...new Set([...names, outputName])] : names;
    throw badRequest(
      `there is no output ${shown(name)}`,
      tensors.length === 1 ? `It is called ${known.join(' or ')}.` : `They are called ${known.join(' and ')}.`,
    );
  });
  if (new Set(sent.map(({ at }) => at)).size === sent.length) return sent;
  throw badRequest(`${sent.length} outputs are requested, one of them twice`, `${model} has ${tensors.length}.`);
}

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
    queued_ms: toThousandths(queuedMs),
    computed_ms: toThousandths(computedMs),
    batch,
  };
}

/** Outputs of all images, [images, outputs], converted to the kind that the metadata states. */
function rowsOf(answers: readonly Answer[], { models, output }: Served, width: number): Float32Array {
  if (answers.length === 1 && models.length === 1) return answers[0].outputs;
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

/** One of the tensors that are joined along their last axis in the outputs of a network. */
function partOf(rows: Float32Array, tensors: Served['output']['tensors'], at: number): Float32Array {
  if (tensors.length === 1) return rows;
  const depths = tensors.map(({ shape }) => shape[shape.length - 1]);
  const [depth, own] = [sum(depths), depths[at]];
  const first = sum(depths.slice(0, at));
  const part = new Float32Array((rows.length / depth) * own);
  // Plain loops: views of a hundred thousand cells take ten times as long.
  for (let from = first, to = 0; to < part.length; from += depth)
    for (let i = 0; i < own; i++) part[to++] = rows[from + i];
  return part;
}

/** Bytes of an output in JSON, with the objects from which it is written. */
const bytesOfNumber = 64;
/** Numbers in the JSON of an answer, which is written at once: they block the server for some 50 ms. */
const mostInJson = 1 << 18;

/** Reserves the memory of an answer. @throws Refusal 413 when it has too many numbers for JSON, 503 when there is no memory */
function reserve(
  sent: readonly Sent[],
  images: number,
  { output: { tensors } }: Served,
  { admitted }: Run['request'],
): void {
  const numbers = (of: readonly Sent[]): number => images * sum(of.map(({ at }) => product(tensors[at].shape)));
  const inJson = numbers(sent.filter(({ isBinary }) => !isBinary));
  if (inJson > mostInJson)
    throw new Refusal(
      413,
      `the outputs have ${inJson} numbers, JSON may have ${mostInJson}`,
      'Request them as bytes (the parameter binary_data_output), or send fewer images.',
    );
  admitted.takeForAnswer(numbers(sent) * bytesOfNumber);
}

interface Run {
  readonly context: Pick<RouteContext, 'decoder'>;
  readonly pool: InferencePool;
  readonly run: RunOptions;
  readonly request: Pick<FastifyRequest, 'admitted'>;
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
  const sent = checkOutputs(asked, served);
  const { tensors } = served.output;
  const width = sum(tensors.map(({ shape }) => product(shape)));
  reserve(sent, given.length, served, request);
  const inputs = await renderedInputs(given, served, { layout: pool.layout, decoder, run });
  const answers = await pool.run(inputs, run);
  const rows = rowsOf(answers, served, width);
  return {
    outputs: sent.map(({ name, isBinary, at }) => ({
      rows: partOf(rows, tensors, at),
      isBinary,
      head: { name, datatype: 'FP32', shape: [answers.length, ...tensors[at].shape] },
    })),
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
export function sendAnswer(reply: FastifyReply, { outputs, answer }: Outputs): FastifyReply {
  if (outputs.some(({ isBinary, rows }) => !isBinary && !isFinite32(rows)))
    throw new NotAnswered('failed', 'the network returned values that are not finite; binary outputs can carry them');
  const described = outputs.map(({ head, isBinary, rows }) =>
    isBinary ? { ...head, parameters: { binary_data_size: rows.byteLength } } : { ...head, data: Array.from(rows) },
  );
  const text = JSON.stringify({ ...answer, outputs: described });
  const binary = outputs.filter(({ isBinary }) => isBinary);
  if (binary.length === 0) return reply.type('application/json').send(text);
  const length = Buffer.byteLength(text);
  const body = Buffer.allocUnsafe(length + sum(binary.map(({ rows }) => rows.byteLength)));
  body.write(text);
  let at = length;
  for (const { rows } of binary) {
    body.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), at);
    at += rows.byteLength;
  }
  return reply.header(headerLength, length).type('application/octet-stream').send(body);
}
