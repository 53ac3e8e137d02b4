import type { FastifyReply } from 'fastify';
import { probabilitiesToLogits } from '../../../compiler/runtime/classifier/inputs-outputs.js';
import type { Answer, InferencePool, RunOptions } from '../../inference/pool.js';
import type { Limits } from '../context.js';
import type { RequestTrace } from '../tracing.js';
import { inputsOf, renderedInputs } from './tensors.js';
import { badRequest, shown } from '../refusals.js';
import type { InferRequest } from './request.js';
import type { Served } from './served.js';
import { headerLength, outputName } from './wire.js';

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

/** An answer before it is encoded. */
export interface Outputs {
  /** [images, outputs] */
  readonly rows: Float32Array;
  /** Name, type and shape of the output. */
  readonly head: { readonly name: string; readonly datatype: 'FP32'; readonly shape: readonly number[] };
  readonly answer: {
    readonly model_name: string;
    readonly model_version: string;
    readonly id: string | undefined;
    readonly parameters: ReturnType<typeof parametersOf>;
  };
}

interface Run {
  readonly limits: Limits;
  readonly run: RunOptions;
  readonly trace?: RequestTrace | null;
}

/**
 * Computes the outputs of a request.
 * @throws Refusal when the request does not match the model; NotAnswered
 */
export async function outputsFor(
  request: InferRequest,
  served: Served,
  pool: InferencePool,
  { limits, run, trace }: Run,
): Promise<Outputs> {
  const name = checkOutput(request.output, served);
  const inputs = await renderedInputs(inputsOf(request.tensor, served, limits.images), served, pool.layout);
  const answers = await pool.run(inputs, run);
  for (const one of answers) trace?.answered(one);
  return {
    rows: answers.length === 1 && served.models.length === 1 ? answers[0].outputs : rowsOf(answers, served),
    head: { name, datatype: 'FP32', shape: [answers.length, served.output.classes.length] },
    answer: {
      model_name: served.name,
      model_version: served.version,
      id: request.id,
      parameters: parametersOf(answers),
    },
  };
}

/** Sends the outputs, as numbers in JSON or as bytes after it. */
export function sendAnswer(reply: FastifyReply, isBinary: boolean, { rows, head, answer }: Outputs): FastifyReply {
  const json = (output: object): string => JSON.stringify({ ...answer, outputs: [{ ...head, ...output }] });
  if (!isBinary) return reply.type('application/json').send(json({ data: Array.from(rows) }));
  const text = json({ parameters: { binary_data_size: rows.byteLength } });
  const length = Buffer.byteLength(text);
  const body = Buffer.allocUnsafe(length + rows.byteLength);
  body.write(text);
  body.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), length);
  return reply.header(headerLength, length).type('application/octet-stream').send(body);
}
