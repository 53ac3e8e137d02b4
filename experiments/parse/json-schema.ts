import { z } from 'zod';
import { experimentSchemas } from '../schema/experiment.js';
import type { ExperimentKind } from '../schema/kind.js';

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

/** The enumerated values of a schema. */
export function valuesOf(schema: JsonSchema): readonly unknown[] {
  if (schema.const !== undefined) return [schema.const];
  return schema.enum ?? [];
}

/** The discriminator key of a union of maps. */
export const discriminatorOf = ({ properties = {} }: JsonSchema): string | undefined =>
  ['type', 'name', 'proxy'].find((key) => Object.hasOwn(properties, key) && valuesOf(properties[key]).length > 0);

/** Words that may replace a whole map: its types (or names), when all other keys have defaults. */
function shorthands(schema: JsonSchema): readonly unknown[] {
  const key = discriminatorOf(schema);
  if (key === undefined || schema.required?.some((name) => name !== key)) return [];
  return valuesOf(schema.properties?.[key] ?? {});
}

/** Marks schemas that allow a word; removed by `expanded`. */
const mark = 'x-shorthand';

const isPreprocessed = (schema: z.core.$ZodTypes): boolean =>
  schema._zod.def.type === 'pipe' && schema._zod.def.in._zod.traits.has('$ZodTransform');

/** A copy in which marked schemas also allow their words. */
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

/** The JSON Schema of one kind of experiment, including words that stand for maps; for messages and docs. */
export function experimentJsonSchema(kind: ExperimentKind): JsonSchema {
  return (made[kind] ??= jsonSchemaOf(kind));
}

/** A schema takes longer to make than a file to check. */
const made: Partial<Record<ExperimentKind, JsonSchema>> = {};

function jsonSchemaOf(kind: ExperimentKind): JsonSchema {
  const schema = z.toJSONSchema(experimentSchemas[kind], {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (isPreprocessed(zodSchema)) jsonSchema[mark] = true;
    },
  });
  return expanded(schema) as JsonSchema;
}

/** An experiment with a map of a type under a key. */
const having = (key: string, type: string) => ({
  required: [key],
  properties: { [key]: { type: 'object', required: ['type'], properties: { type: { const: type } } } },
});

/** The JSON Schema of experiment files of every kind, for editors. */
export const editorSchema = () => ({
  title: 'Experiment of nas',
  type: 'object',
  if: having('evaluate', 'tell'),
  then: experimentJsonSchema('study'),
  else: { if: having('space', 'table'), then: experimentJsonSchema('table'), else: experimentJsonSchema('training') },
});
