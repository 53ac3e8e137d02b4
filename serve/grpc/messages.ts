import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Refusal } from '../../base/server.js';
import type { Outputs } from '../http/open-inference/answer.js';
import { inferRequestOf, type InferRequest } from '../http/open-inference/request.js';
import { badRequest } from '../http/refusals.js';

/** The fields of a message that were sent, by their names in open-inference.proto. */
type Parameters = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface ModelMessage {
  readonly name: string;
  readonly version: string;
}

export interface InferMessage {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: Parameters;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly parameters: Parameters;
    readonly contents: Readonly<Record<string, readonly unknown[]>> | null;
  }[];
  readonly outputs: readonly { readonly name: string; readonly parameters: Parameters }[];
  readonly raw_input_contents: readonly Buffer[];
}

/** Largest message without its raw contents, in bytes: what is made of it takes some fifty times the memory and the time. */
const mostFields = 1 << 18;
const rawContents = 7;

/** Whether a message has so many fields that reading them would block the server. */
export function hasTooMuch(message: Uint8Array): boolean {
  const reader = new BinaryReader(message);
  for (let raw = 0; reader.pos < reader.len;) {
    const [field, type] = reader.tag();
    const from = reader.pos;
    reader.skip(type, field);
    if (field === rawContents) raw += reader.pos - from - 2;
    if (reader.pos - raw > mostFields) return true;
  }
  return false;
}

/** Plain values of parameters: `{ budget_ms: { int64_param: 30 } }` is `{ budget_ms: 30 }`. */
const plain = (parameters: Parameters): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, { parameter_choice: choice, ...values }]) => [name, values[String(choice)]]),
  );

/** The same request as its JSON would be. @throws Refusal 400 when a field is wrong or not supported */
export function readInfer({ id, inputs, outputs, parameters, raw_input_contents: raw }: InferMessage): InferRequest {
  if (raw.length > 1) throw badRequest(`raw_input_contents has ${raw.length} tensors`, 'Send one.');
  const bytes = raw.at(0);
  const ofInput = ({ contents, parameters: own, ...rest }: InferMessage['inputs'][number]) => {
    if (bytes !== undefined && contents !== null)
      throw badRequest('inputs[0] has both contents and raw_input_contents', 'Send one of them.');
    const data = contents?.[rest.datatype === 'FP32' ? 'fp32_contents' : 'uint_contents'];
    const size = bytes === undefined ? {} : { binary_data_size: bytes.length };
    return { ...rest, parameters: { ...plain(own), ...size }, ...(bytes === undefined && { data }) };
  };
  return inferRequestOf(
    {
      id,
      inputs: inputs.map(ofInput),
      outputs: outputs.map(({ name, parameters: own }) => ({ name, parameters: plain(own) })),
      parameters: plain(parameters),
    },
    bytes ?? Buffer.alloc(0),
  );
}

const parameterOf = (value: unknown) =>
  typeof value === 'string' ? { string_param: value } : { double_param: Number(value) };

/** The answer with raw contents. */
export function inferAnswer({ rows, head, answer: { parameters, ...answer } }: Outputs) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return {
    ...answer,
    parameters: Object.fromEntries(given.map(([name, value]) => [name, parameterOf(value)])),
    outputs: [head],
    raw_output_contents: [Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)],
  };
}

export const tooMuch = new Refusal(
  413,
  `the message has more than ${mostFields} bytes besides raw_input_contents`,
  'Send the tensor as raw_input_contents.',
);
