import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { choicesOf, genotypeOf, type Genotype, type Space } from '../../spaces/index.js';
import { environmentSchema, type Environment } from '../device.js';

export interface MeasuredNetwork {
  readonly genotype: Genotype;
  readonly ms: number;
  readonly reliable: boolean;
}

/** The data of a latency model: networks measured in one environment, in one precision. */
export interface MeasuredNetworks {
  readonly environment: Environment;
  readonly networks: readonly MeasuredNetwork[];
}

const storedSchema = z.object({
  version: z.literal(1),
  space: z.string(),
  environment: environmentSchema,
  networks: z.array(
    z.object({
      choices: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      ms: z.number().gt(0),
      reliable: z.boolean(),
    }),
  ),
});

/** Writes measurements to a file, from which models can be fitted again. */
export function writeMeasured(file: string, space: Space, { environment, networks }: MeasuredNetworks): void {
  const stored: z.input<typeof storedSchema> = {
    version: 1,
    space: space.name,
    environment,
    networks: networks.map(({ genotype, ...measured }) => ({
      choices: choicesOf(space.decisions, genotype),
      ...measured,
    })),
  };
  writeFileAtomic(file, `${JSON.stringify(stored, null, 2)}\n`);
}

/** @throws NasError `invalid-input` when the file cannot be read, is no such file, or is of another space. */
export function readMeasured(file: string, space: Space): MeasuredNetworks {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw invalidInput(`${file}: cannot be read as measurements: ${messageOf(cause)}`, { cause });
  }
  const { success, data, error } = storedSchema.safeParse(json);
  if (!success)
    throw invalidInput(`${file}: not measurements of networks: ${z.prettifyError(error)}`, {
      hint: 'nas latency fit writes its measurements beside the model, to a file that ends in .measurements.json.',
    });
  if (data.space !== space.name)
    throw invalidInput(`${file}: these are networks of the space ${data.space}, not of ${space.name}`);
  const networks = data.networks.map(({ choices, ms, reliable }) => ({
    genotype: space.canonical(genotypeOf(space.decisions, choices)),
    ms,
    reliable,
  }));
  return { environment: data.environment, networks };
}
