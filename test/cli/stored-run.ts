import { join } from 'node:path';
import { Random } from '../../base/random.js';
import { parseExperiment, trainingOf } from '../../experiments/parse/index.js';
import { costs, createSpace, choicesOf, genotypeId, sampleGenotype } from '../../spaces/index.js';
import { Store } from '../../store/index.js';
import { newTrial, meta } from '../store/support.js';

const source = `name: stored
data: fashion-mnist
space: {type: mobilenet, preset: tiny}
search: {trials: 100000}
`;

/**
 * A workdir with a database of `count` finished trials: real networks, made-up accuracies.
 * @param classes names of the data's classes
 */
export async function storedRun(
  workdir: string,
  count: number,
  { classes }: { readonly classes?: readonly string[] | undefined } = {},
): Promise<void> {
  const experiment = trainingOf(parseExperiment('stored.yaml', source));
  const about = {
    ...{ ...meta, name: 'stored', seed: 1, source, experiment, written: undefined, classes, threads: 1 },
    task: { input: [28, 28, 1] as const, classes: 10 },
    images: 1000,
    environment: { provider: 'cpu', cpu: 'x' },
  };
  const space = await createSpace(experiment.space, about.task);
  const random = new Random(1, 'stored-run');
  const store = Store.create(join(workdir, 'nas.sqlite'), about);
  const seen = new Set<string>();
  store.transaction(() => {
    for (let number = 0; number < count;) {
      const genotype = sampleGenotype(space, random);
      const id = genotypeId(genotype);
      if (seen.has(id)) continue;
      seen.add(id);
      const network = space.build(genotype);
      const choices = choicesOf(space.decisions, genotype);
      store.trials.ask(newTrial(number, { genotype, genotypeId: id, choices, network, seed: 1, reason: '' }));
      const latency = costs(network).macs / 1e7;
      const accuracy = 0.9 - 0.1 * Math.exp(-5 * latency) - 0.05 * random.uniform();
      store.trials.finish(number, {
        state: 'complete',
        values: {
          accuracy: { value: accuracy, provenance: 'measured' },
          latency_ms: { value: latency, provenance: 'predicted' },
        },
      });
      number++;
    }
  });
  store.run.setStatus('complete');
  store.close();
}
