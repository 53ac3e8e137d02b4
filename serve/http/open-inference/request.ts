import { checkBudget } from '../deadline.js';
import { parseJson } from './json.js';
import { badRequest, shown } from '../refusals.js';
import { datatypes, headerLength, type Datatype } from '../wire.js';

export type Tensor =
  /** Bytes alone: their number determines data type and shape. */
  { readonly kind: 'raw'; readonly bytes: Buffer } | DescribedTensor;

export interface DescribedTensor {
  readonly kind: 'described';
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Little-endian bytes after the JSON, or numbers in it, nested or flat. */
  readonly data: Buffer | readonly unknown[];
}

export interface AskedOutput {
  readonly name: string;
  readonly isBinary: boolean;
}

/** A parsed inference request, before it is checked against a model. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly tensor: Tensor;
  /** The requested outputs; empty: all. */
  readonly outputs: readonly AskedOutput[];
  /** Whether to send outputs as bytes that are not requested by name. */
  readonly isBinary: boolean;
  /** Budget of the body, in ms. */
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

/** Refuses every field that the server would ignore: an answer without it would be wrong. */
function refuseOthers(fields: Fields, known: readonly string[], where: string): void {
  const other = Object.keys(fields).find((name) => !known.includes(name));
  if (other === undefined) return;
  throw badRequest(`${shown(other)} in ${where} is not supported`, `Supported: ${known.join(', ')}.`);
}

function refuseUnsupported(parameters: Fields, known: string, where: string): void {
  if (parameters.shared_memory_region !== undefined)
    throw badRequest(`${where} is in shared memory, which is not supported`, 'Send the tensor in the body.');
  if (parameters.classification !== undefined)
    throw badRequest(
      `${where} requests classification, which is not supported`,
      'POST /v1/classify?top=k returns classes.',
    );
  refuseOthers(parameters, [known], `${where}.parameters`);
}

function fieldsIn(bytes: Buffer): Fields {
  const hint = `If bytes follow the JSON, set the header ${headerLength} to the length of the JSON.`;
  return fieldsOf(parseJson(bytes, 'the request', hint), 'the request');
}

function split(body: Buffer, length: string | undefined): { readonly json: Buffer; readonly rest: Buffer } {
  if (length === undefined) return { json: body, rest: body.subarray(body.length) };
  const at = /^\d+$/.test(length) ? Number(length) : NaN;
  if (!(at <= body.length))
    throw badRequest(
      `${headerLength} is ${shown(length)}, and the body has ${body.length} bytes`,
      'It must be the length in bytes of the JSON at the start of the body.',
    );
  return { json: body.subarray(0, at), rest: body.subarray(at) };
}

function shapeOf(value: unknown): readonly number[] {
  const isShape = (v: unknown): v is number[] => Array.isArray(v) && v.every((d) => Number.isSafeInteger(d) && d >= 0);
  if (isShape(value)) return value;
  throw badRequest('inputs[0].shape is not a shape', 'It must be an array of whole numbers.');
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
      'Send one: the first dimension of the tensor is the number of images.',
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
  refuseOthers(input, ['name', 'datatype', 'shape', 'data', 'parameters'], 'inputs[0]');
  refuseUnsupported(parameters, 'binary_data_size', 'inputs[0]');
  const size = parameters.binary_data_size;
  if (size === undefined) {
    if (rest.length > 0)
      throw badRequest(
        `${rest.length} bytes follow the JSON, but inputs[0] has no binary_data_size`,
        'Set inputs[0].parameters.binary_data_size to their number.',
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
    throw badRequest('inputs[0] has both data in the JSON and bytes after it', 'Send one of them.');
  return { ...described, data: rest };
}

function askedOutputs(outputs: unknown, isBinaryByDefault: boolean): readonly AskedOutput[] {
  if (outputs === undefined) return [];
  if (!Array.isArray(outputs)) throw badRequest(`outputs is ${typeOf(outputs)}`, 'It must be an array of outputs.');
  return outputs.map((output: unknown, i): AskedOutput => {
    const where = `outputs[${i}]`;
    const asked = fieldsOf(output, where);
    if (typeof asked.name !== 'string')
      throw badRequest(`${where}.name is ${typeOf(asked.name)}`, 'It must be a text.');
    const parameters = parametersOf(asked, where);
    refuseOthers(asked, ['name', 'parameters'], where);
    refuseUnsupported(parameters, 'binary_data', where);
    return { name: asked.name, isBinary: flagOf(parameters, 'binary_data', where) ?? isBinaryByDefault };
  });
}

/** `budget_ms`, or Triton's `timeout` in microseconds (0: none). */
function budgetOf({ budget_ms: ms, timeout: us }: Fields): number | undefined {
  if (ms !== undefined) return checkBudget(ms, 'parameters.budget_ms');
  if (us === undefined || us === 0) return undefined;
  return checkBudget(typeof us === 'number' ? us / 1000 : us, 'parameters.timeout, in microseconds,');
}

/**
 * @param rest bytes of the tensor after the JSON
 * @throws Refusal 400 when a field is wrong or not supported
 */
function inferRequestOf(fields: Fields, rest: Buffer): InferRequest {
  const { id } = fields;
  if (id !== undefined && typeof id !== 'string') throw badRequest(`id is ${typeOf(id)}`, 'It must be a text.');
  refuseOthers(fields, ['id', 'inputs', 'outputs', 'parameters', 'model_name'], 'the request');
  const parameters = parametersOf(fields, 'the request');
  refuseOthers(parameters, ['binary_data_output', 'budget_ms', 'timeout'], "the request's parameters");
  const isBinary = flagOf(parameters, 'binary_data_output', 'the request') ?? false;
  return {
    id,
    tensor: tensorOf(fields.inputs, rest),
    outputs: askedOutputs(fields.outputs, isBinary),
    isBinary,
    budgetMs: budgetOf(parameters),
  };
}

function read(json: Buffer, rest: Buffer): InferRequest {
  if (json.length > 0 || rest.length === 0) return inferRequestOf(fieldsIn(json), rest);
  const tensor = { kind: 'raw', bytes: rest } as const;
  return { id: undefined, tensor, outputs: [], isBinary: true, budgetMs: undefined };
}

/** Placeholder for the tensor of the cached request. */
const noBytes = Buffer.alloc(0);
/** Longer JSON is not cached. */
const maxCachedBytes = 1024;

/**
 * Creates a parser of inference requests of the Open Inference Protocol with one tensor, in JSON or as bytes after it. Its
 * arguments are the body and the header `Inference-Header-Content-Length`. It does not check the numbers of the tensor. It
 * caches the last JSON, because clients send the same JSON with one tensor after the other.
 * @throws Refusal 400 (from the parser) with the field, its value and the expected value
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
    if (rest.length > 0 && json.length <= maxCachedBytes && request.tensor.kind === 'described')
      last = {
        json: Buffer.from(json),
        following: rest.length,
        said: { ...request, tensor: { ...request.tensor, data: noBytes } },
      };
    return request;
  };
}
