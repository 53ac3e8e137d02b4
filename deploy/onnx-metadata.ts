import { fromBinary, create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema, type ModelProto } from 'onnx-buf';
import { z } from 'zod';
import { invalidInput, messageOf } from '../base/errors.js';
import { modelMetadataSchema, type MetadataKey, type ModelMetadata } from './metadata.js';

const keys = Object.keys(modelMetadataSchema.shape) as MetadataKey[];

/** Keys whose values are texts as they are; all others are written as JSON. */
const plain: ReadonlySet<MetadataKey> = new Set(['layout', 'nas_version', 'created', 'experiment', 'genotype']);

/** Present in every file that this package writes, and in no other. */
const signature: MetadataKey = 'nas_version';

/** What programs of others may have written in the same form. */
const shared: readonly MetadataKey[] = ['classes', 'layout', 'input', 'mean', 'std'];

/** Metadata as the flat texts of an ONNX file's `metadata_props`; keys without a value are left out. */
export function metadataProps(metadata: ModelMetadata): Record<string, string> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = metadata[key];
      if (value === undefined) return [];
      return [[key, typeof value === 'string' && plain.has(key) ? value : JSON.stringify(value)]];
    }),
  );
}

/**
 * The metadata of an ONNX model. Of a file that this package did not write, what is there in the same form: possibly
 * class names, layout, input size and normalisation, possibly nothing.
 *
 * @throws NasError `invalid-input` when the bytes are no ONNX model, or when one of this package's files is damaged.
 */
export const readMetadata = (model: Uint8Array): Partial<ModelMetadata> => metadataOf(parseOnnx(model));

/** As `readMetadata`, of a parsed model. */
export function metadataOf({ metadataProps: props }: ModelProto): Partial<ModelMetadata> {
  const texts = new Map(props.map(({ key, value }) => [key, value]));
  if (!texts.has(signature)) return foreignMetadata(texts);
  const values = keys.flatMap((key) => {
    const text = texts.get(key);
    return text === undefined ? [] : [[key, parseValue(key, text)]];
  });
  const parsed = modelMetadataSchema.safeParse(Object.fromEntries(values));
  if (parsed.success) return parsed.data;
  throw invalidInput(`the model's metadata is damaged: ${z.prettifyError(parsed.error)}`, {
    hint: 'Export the model again.',
  });
}

function foreignMetadata(texts: ReadonlyMap<string, string>): Partial<ModelMetadata> {
  const values = shared.flatMap((key) => {
    const text = texts.get(key);
    const parsed = modelMetadataSchema.shape[key].safeParse(text === undefined ? undefined : parseValue(key, text));
    return parsed.success && parsed.data !== undefined ? [[key, parsed.data]] : [];
  });
  // Each value has just been parsed by the schema of its key.
  return Object.fromEntries(values) as Partial<ModelMetadata>;
}

function parseValue(key: MetadataKey, text: string): unknown {
  if (plain.has(key)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The same ONNX model with this metadata; other keys of the file stay. */
export function withMetadata(model: Uint8Array, metadata: ModelMetadata): Uint8Array {
  const proto = parseOnnx(model);
  const own = new Set<string>(keys);
  proto.metadataProps = [
    ...proto.metadataProps.filter(({ key }) => !own.has(key)),
    ...Object.entries(metadataProps(metadata)).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  ];
  return toBinary(ModelProtoSchema, proto);
}

/** @throws NasError `invalid-input` when the bytes are no ONNX model. */
export function parseOnnx(model: Uint8Array): ModelProto {
  try {
    const proto = fromBinary(ModelProtoSchema, model);
    if (proto.graph !== undefined) return proto;
  } catch (cause) {
    throw invalidInput(`not an ONNX model: ${messageOf(cause)}`, { cause });
  }
  throw invalidInput('not an ONNX model: the file holds no graph');
}
