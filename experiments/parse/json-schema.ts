import { z } from 'zod';
import { experimentSchemas, type ExperimentKind } from '../schema/experiment.js';

/** The part of JSON Schema (draft 2020-12) that the experiment's schema uses. */
export interface JsonSchema {
  readonly title?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema | boolean;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
}

export const alternativesOf = (schema: JsonSchema): readonly JsonSchema[] => schema.anyOf ?? schema.oneOf ?? [schema];

/** The values that a schema allows one by one, when it does so. */
export function valuesOf(schema: JsonSchema): readonly unknown[] {
  if (schema.const !== undefined) return [schema.const];
  return schema.enum ?? [];
}

/** The key whose fixed values tell the alternatives of a map apart. */
export const discriminatorOf = ({ properties = {} }: JsonSchema): string | undefined =>
  ['type', 'name', 'proxy'].find((key) => Object.hasOwn(properties, key) && valuesOf(properties[key]).length > 0);

/** The words that may stand for a whole map: its types (or names), when its other keys all have defaults. */
function shorthands(schema: JsonSchema): readonly unknown[] {
  const key = discriminatorOf(schema);
  if (key === undefined || schema.required?.some((name) => name !== key)) return [];
  return valuesOf(schema.properties?.[key] ?? {});
}

/** Set by `experimentJsonSchema` on what a word may stand for; replaced before anybody sees it. */
const mark = 'x-shorthand';

const isPreprocessed = (schema: z.core.$ZodTypes): boolean =>
  schema._zod.def.type === 'pipe' && schema._zod.def.in._zod.traits.has('$ZodTransform');

/** A copy in which every marked schema allows its words too. */
function expanded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expanded);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== mark);
  const copy = Object.fromEntries(entries.map(([key, item]) => [key, expanded(item)]));
  if (!Object.hasOwn(value, mark)) return copy;
  const { description, default: fallback, ...schema } = copy;
  const alternatives = alternativesOf(schema);
  const words = alternatives.flatMap(shorthands);
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [...(words.length === 0 ? [] : [{ type: 'string', enum: words }]), ...alternatives],
  };
}

/**
 * The JSON Schema of one kind of experiment file, for messages and documentation; words that stand for a map are
 * included.
 */
export function experimentJsonSchema(kind: ExperimentKind): JsonSchema {
  const schema = z.toJSONSchema(experimentSchemas[kind], {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (isPreprocessed(zodSchema)) jsonSchema[mark] = true;
    },
  });
  return expanded(schema) as JsonSchema;
}

/** Whether an experiment's space is a table. */
const onTable = {
  required: ['space'],
  properties: { space: { type: 'object', required: ['type'], properties: { type: { const: 'table' } } } },
};

/** The JSON Schema of experiment files of every kind, for editors. */
export const editorSchema = () => ({
  title: 'Experiment of nas',
  type: 'object',
  if: onTable,
  then: experimentJsonSchema('table'),
  else: experimentJsonSchema('training'),
});
