import { z } from 'zod';
import { searchSchema, withTrials, type Objective } from '../../search/index.js';
import { spaceSchema } from '../../spaces/index.js';
import { commonShape, searchText, typed } from './common.js';
import { isComputed, measureNamed } from './measures.js';
import { constraint, direction } from './search-settings.js';

const objectiveMap = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z]\w*$/, 'may hold letters, digits and underscores, and begins with a letter')
    .describe(
      'name of a value that is told; macs, params, activation_bytes, size_bytes, sram_bytes and flash_bytes are computed and not told',
    ),
  direction: direction
    .optional()
    .describe('whether larger or smaller values are better; default: that of the measure of this name'),
  constraint,
});

/** An entry of `objectives:` of a study: a map, or only a name. */
const objectiveSchema = z.preprocess(
  (value: z.input<typeof objectiveMap> | string) => (typeof value === 'string' ? { name: value } : value),
  objectiveMap.transform(({ constraint: bounds, name, direction: given }, context): Objective => {
    const measure = measureNamed(name);
    const completed = given ?? measure?.direction;
    if (completed === undefined)
      context.addIssue({ code: 'custom', message: 'expected a direction beside the name: maximize or minimize' });
    return {
      name,
      direction: completed ?? 'maximize',
      cost: isComputed(name) ? 'cheap' : 'expensive',
      ...(bounds === undefined ? {} : { constraint: bounds }),
    };
  }),
);

const side = z.number().int().min(1);

/** The settings of a search without workers of its own: results come in any order. */
const studySearch = { parallel: 1, order: 'async', retries: 0 } as const;

/** An experiment whose candidates a program of the user evaluates. */
export const studySchema = z
  .strictObject({
    ...commonShape,
    space: typed(spaceSchema).describe('the search space'),
    evaluate: z
      .strictObject({
        type: z.literal('tell'),
        input: z.tuple([side, side, side]).describe('shape of an image: [height, width, channels]'),
        classes: z.number().int().min(2).describe('number of classes'),
        epochs: z
          .number()
          .int()
          .min(1)
          .default(1)
          .describe('epochs of a whole training; search.fidelity asks for fewer at first'),
      })
      .describe('a program of the user evaluates the candidates: nas ask gives one, nas tell takes its values'),
    objectives: z
      .array(objectiveSchema)
      .min(1)
      .describe('values that are told, or computed of the network; charts show the first two'),
    search: searchSchema.omit({ parallel: true, order: true, retries: true }).prefault({}).describe(searchText),
  })
  .transform((written) => ({ ...written, search: { ...withTrials(written.search), ...studySearch } }));
