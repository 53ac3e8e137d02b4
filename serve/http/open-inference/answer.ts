import type { FastifyReply } from 'fastify';
import { probabilitiesToLogits } from '../../../compiler/runtime/classifier/inputs-outputs.js';
import type { Answer } from '../../inference/pool.js';
import { badRequest, shown } from '../refusals.js';
import type { InferRequest } from './request.js';
import type { Served } from './served.js';
import { headerLength, outputName } from './wire.js';

/** The output name to send: the requested one. @throws Refusal 400 when there is no such output. */
export function checkOutput(asked: string | undefined, { output }: Served): string {
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

/** Sends the outputs, as numbers in JSON or as bytes after it. */
export function sendAnswer(
  reply: FastifyReply,
  request: InferRequest,
  served: Served,
  answers: readonly Answer[],
): FastifyReply {
  const rows = answers.length === 1 && served.models.length === 1 ? answers[0].outputs : rowsOf(answers, served);
  const head = {
    name: checkOutput(request.output, served),
    datatype: 'FP32',
    shape: [answers.length, served.output.classes.length],
  };
  const json = (output: object): string =>
    JSON.stringify({
      model_name: served.name,
      model_version: served.version,
      id: request.id,
      parameters: parametersOf(answers),
      outputs: [output],
    });
  if (!request.isBinary) return reply.type('application/json').send(json({ ...head, data: Array.from(rows) }));
  const text = json({ ...head, parameters: { binary_data_size: rows.byteLength } });
  const length = Buffer.byteLength(text);
  const body = Buffer.allocUnsafe(length + rows.byteLength);
  body.write(text);
  body.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), length);
  return reply.header(headerLength, length).type('application/octet-stream').send(body);
}
