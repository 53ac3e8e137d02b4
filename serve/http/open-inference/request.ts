import { messageOf } from '../../../base/errors.js';
import { checkBudget } from '../deadline.js';
import { badRequest, shown } from '../refusals.js';
import { datatypes, headerLength, type Datatype } from './wire.js';

/** The one tensor of a request. */
export type Tensor =
  /** Bytes and nothing else: what they are follows from how many they are. */
  { readonly kind: 'raw'; readonly bytes: Buffer } | DescribedTensor;

export interface DescribedTensor {
  readonly kind: 'described';
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Bytes after the JSON, in little-endian order, or numbers in it, nested or flat. */
  readonly data: Buffer | readonly unknown[];
}

/** A request for inference, as far as it can be understood without knowing the model. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly tensor: Tensor;
  /** The output that is asked for; undefined: whatever there is. */
  readonly output: string | undefined;
  /** Whether the output is to be sent as bytes. */
  readonly isBinary: boolean;
  /** In ms; undefined: the body does not say. */
  readonly budgetMs: number | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fieldsOf(value: unknown, where: string): Fields {
  if (isFields(value)) return value;
  throw badRequest(`${where} is ${typeOf(value)}`, 'It must be a JSON object.');
}

const typeOf = (value: unknown): string =>
  value === undefined ? 'missing' : value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;

const parametersOf = (fields: Fields, where: string): Fields =>
  fields.parameters === undefined ? {} : fieldsOf(fields.parameters, `${where}.parameters`);

function flagOf(parameters: Fields, name: string, where: string): boolean | undefined {
  const flag = parameters[name];
  if (flag === undefined || typeof flag === 'boolean') return flag;
  throw badRequest(`${where}.parameters.${name} is ${typeOf(flag)}`, 'It must be true or false.');
}

/** Tensors in shared memory and answers in other forms are promises that this server does not make. */
function refuseOffers(parameters: Fields, where: string): void {
  if (parameters.shared_memory_region !== undefined)
    throw badRequest(`${where} is in shared memory, which is not offered`, 'Send the tensor in the body.');
  if (parameters.classification !== undefined)
    throw badRequest(
      `${where} asks for classification, which is not offered`,
      'POST /v1/classify?top=k names classes.',
    );
}

function parseJson(bytes: Buffer): Fields {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (error) {
    throw badRequest(
      `the request is no JSON: ${messageOf(error)}`,
      `Where bytes follow the JSON, the header ${headerLength} says after how many.`,
    );
  }
  return fieldsOf(value, 'the request');
}

/** The JSON of a body, and the bytes after it. */
function split(body: Buffer, length: string | undefined): { readonly json: Buffer; readonly rest: Buffer } {
  if (length === undefined) return { json: body, rest: body.subarray(body.length) };
  const at = /^\d+$/.test(length) ? Number(length) : NaN;
  if (!(at <= body.length))
    throw badRequest(
      `${headerLength} is ${shown(length)}, and the body has ${body.length} bytes`,
      'It is the number of bytes of the JSON at the beginning of the body.',
    );
  return { json: body.subarray(0, at), rest: body.subarray(at) };
}

function shapeOf(value: unknown): readonly number[] {
  const isShape = (v: unknown): v is number[] => Array.isArray(v) && v.every((d) => Number.isSafeInteger(d) && d >= 0);
  if (isShape(value)) return value;
  throw badRequest('inputs[0].shape is no shape', 'It must be an array of whole numbers.');
}

function datatypeOf(value: unknown): Datatype {
  const datatype = datatypes.find((known) => known === value);
  if (datatype !== undefined) return datatype;
  throw badRequest(`inputs[0].datatype is ${shown(value)}`, `It must be ${datatypes.join(' or ')}.`);
}

function tensorOf(inputs: unknown, rest: Buffer): Tensor {
  if (!Array.isArray(inputs) || inputs.length !== 1)
    throw badRequest(
      Array.isArray(inputs) ? `there are ${inputs.length} inputs` : `inputs is ${typeOf(inputs)}`,
      'Send one: several images are one tensor, whose first dimension is their number.',
    );
  const input = fieldsOf(inputs[0], 'inputs[0]');
  const { name, data } = input;
  if (typeof name !== 'string') throw badRequest(`inputs[0].name is ${typeOf(name)}`, 'It must be a text.');
  const described = {
    kind: 'described',
    name,
    datatype: datatypeOf(input.datatype),
    shape: shapeOf(input.shape),
  } as const;
  const parameters = parametersOf(input, 'inputs[0]');
  refuseOffers(parameters, 'inputs[0]');
  const size = parameters.binary_data_size;
  if (size === undefined) {
    if (rest.length > 0)
      throw badRequest(
        `${rest.length} bytes follow the JSON, and inputs[0] does not say that they are its`,
        'inputs[0].parameters.binary_data_size is their number.',
      );
    if (!Array.isArray(data)) throw badRequest(`inputs[0].data is ${typeOf(data)}`, 'It must be an array of numbers.');
    return { ...described, data };
  }
  if (size !== rest.length)
    throw badRequest(
      `inputs[0].parameters.binary_data_size is ${shown(size)}, and ${rest.length} bytes follow the JSON`,
      `The header ${headerLength} says where the JSON ends.`,
    );
  if (data !== undefined)
    throw badRequest('inputs[0] has numbers in its data and bytes after the JSON', 'Send one of them.');
  return { ...described, data: rest };
}

/** The one output that may be asked for, and whether as bytes. */
function outputOf(outputs: unknown, isBinaryByDefault: boolean): Pick<InferRequest, 'output' | 'isBinary'> {
  if (outputs === undefined || (Array.isArray(outputs) && outputs.length === 0))
    return { output: undefined, isBinary: isBinaryByDefault };
  if (!Array.isArray(outputs) || outputs.length > 1)
    throw badRequest(
      Array.isArray(outputs) ? `${outputs.length} outputs are asked for` : `outputs is ${typeOf(outputs)}`,
      'There is one, and it is an array of one.',
    );
  const asked = fieldsOf(outputs[0], 'outputs[0]');
  if (typeof asked.name !== 'string')
    throw badRequest(`outputs[0].name is ${typeOf(asked.name)}`, 'It must be a text.');
  const parameters = parametersOf(asked, 'outputs[0]');
  refuseOffers(parameters, 'outputs[0]');
  return { output: asked.name, isBinary: flagOf(parameters, 'binary_data', 'outputs[0]') ?? isBinaryByDefault };
}

/** `budget_ms`, or Triton's `timeout` in microseconds, where 0 stands for none. */
function budgetOf({ budget_ms: ms, timeout: us }: Fields): number | undefined {
  if (ms !== undefined) return checkBudget(ms, 'parameters.budget_ms');
  if (us === undefined || us === 0) return undefined;
  return checkBudget(typeof us === 'number' ? us / 1000 : us, 'parameters.timeout, in microseconds,');
}

function read(json: Buffer, rest: Buffer): InferRequest {
  if (json.length === 0 && rest.length > 0)
    return {
      id: undefined,
      tensor: { kind: 'raw', bytes: rest },
      output: undefined,
      isBinary: true,
      budgetMs: undefined,
    };
  const fields = parseJson(json);
  const { id } = fields;
  if (id !== undefined && typeof id !== 'string') throw badRequest(`id is ${typeOf(id)}`, 'It must be a text.');
  const parameters = parametersOf(fields, 'the request');
  const isBinary = flagOf(parameters, 'binary_data_output', 'the request') ?? false;
  return {
    id,
    tensor: tensorOf(fields.inputs, rest),
    ...outputOf(fields.outputs, isBinary),
    budgetMs: budgetOf(parameters),
  };
}

/** What is remembered of a request has no tensor. */
const noBytes = Buffer.alloc(0);
/** Longer JSON is read each time. */
const mostRemembered = 1024;

/**
 * Makes a function that reads requests of the Open Inference Protocol with one tensor, in JSON or as bytes after it: from the
 * body, and what the header `Inference-Header-Content-Length` says. Numbers of the tensor are not looked at. Clients send the
 * same JSON with one tensor after the other, so that what the last one said is remembered.
 * @throws Refusal 400 (the function) that names the field, its value, and what it must be
 */
export function createInferReader(): (body: Buffer, length: string | undefined) => InferRequest {
  let last:
    | {
        readonly json: Buffer;
        readonly following: number;
        readonly said: InferRequest & { readonly tensor: DescribedTensor };
      }
    | undefined;
  return (body, length) => {
    const { json, rest } = split(body, length);
    if (last?.following === rest.length && last.json.equals(json))
      return { ...last.said, tensor: { ...last.said.tensor, data: rest } };
    const request = read(json, rest);
    if (rest.length > 0 && json.length <= mostRemembered && request.tensor.kind === 'described')
      last = {
        json: Buffer.from(json),
        following: rest.length,
        said: { ...request, tensor: { ...request.tensor, data: noBytes } },
      };
    return request;
  };
}
