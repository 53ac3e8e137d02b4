import { z } from 'zod';

const positive = z.number().int().min(1);

/**
 * What a program needs to know to use an image classifier: scale pixels to [0, 1], subtract `mean`, divide by `std`,
 * run, and take the class of the largest output.
 */
export const classifierFacts = {
  /** Names of the outputs, in order. */
  classes: z.array(z.string()).min(2).readonly(),
  layout: z.enum(['NHWC', 'NCHW']),
  /** Height, width and channels of one image. */
  input: z.tuple([positive, positive, positive]).readonly(),
  /** Mean and standard deviation per channel of pixel / 255. */
  mean: z.array(z.number()).readonly(),
  std: z.array(z.number().gt(0)).readonly(),
};

const factsSchema = z.object(classifierFacts).partial();

/** What a file, or a user, says of a classifier. */
export type ClassifierFacts = Readonly<z.output<typeof factsSchema>>;

export type Layout = z.output<typeof classifierFacts.layout>;

const keys = Object.keys(classifierFacts) as (keyof typeof classifierFacts)[];

/** Of what a file says in whatever form, the facts that are there in ours. */
export const factsOf = (said: Readonly<Record<string, unknown>>): ClassifierFacts =>
  factsSchema.parse(
    Object.fromEntries(
      keys.filter((key) => classifierFacts[key].safeParse(said[key]).success).map((key) => [key, said[key]]),
    ),
  );

/** A text of an ONNX file's metadata as the value that it stands for in JSON; other texts as they are. */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
