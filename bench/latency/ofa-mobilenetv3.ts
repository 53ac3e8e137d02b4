import type { Activation, ConvSpec, Decision, Genotype, Head, Network, Space, Task } from '../../spaces/index.js';
import { blockOf, headOf, inputOf, stemOf, type BlockChoices } from '../../spaces/staged/build.js';
import type { StageScale, WidthRules } from '../../spaces/staged/layout.js';

/** Input resolutions of the published supernets: 128, 132, ..., 224 pixels. */
const resolutions = Array.from({ length: 25 }, (_, i) => 128 + 4 * i);

const depths = [2, 3, 4] as const;
const kernels = [3, 5, 7] as const;
const expansions = [3, 4, 6] as const;
const mostLayers = 4;
const rules: WidthRules = { divisor: 8, squeezeOf: 'expanded' };
const squeezed = 0.25;

const stem: ConvSpec = { filters: 16, kernel: 3, stride: 2, act: 'hard_swish' };
const plain = { kind: 'mbconv', before: 0, group_width: 0 } as const;
const firstBlock: BlockChoices = { ...plain, filters: 16, kernel: 3, stride: 1, act: 'relu', expand: 1, se: 0 };
const head = { filters: 960, hidden: 1280, act: 'hard_swish', dropout: 0.1 } as const satisfies Head;

interface Stage {
  readonly filters: number;
  /** Stride of its first layer. */
  readonly stride: 1 | 2;
  readonly act: Activation;
  readonly se: number;
}

const stages: readonly Stage[] = [
  { filters: 24, stride: 2, act: 'relu', se: 0 },
  { filters: 40, stride: 2, act: 'relu', se: squeezed },
  { filters: 80, stride: 2, act: 'hard_swish', se: 0 },
  { filters: 112, stride: 1, act: 'hard_swish', se: squeezed },
  { filters: 160, stride: 2, act: 'hard_swish', se: squeezed },
];

const layers = stages.length * mostLayers;

/** Positions of the decisions: r, then d0 to d4, ks0 to ks19, e0 to e19. */
const at = {
  depth: (stage: number): number => 1 + stage,
  kernel: (layer: number): number => 1 + stages.length + layer,
  expand: (layer: number): number => 1 + stages.length + layers + layer,
};

const decisions: readonly Decision[] = [
  { name: 'r', choices: resolutions },
  ...stages.map((_, i) => ({ name: `d${i}`, choices: depths })),
  ...Array.from({ length: layers }, (_, i) => ({ name: `ks${i}`, choices: kernels })),
  ...Array.from({ length: layers }, (_, i) => ({ name: `e${i}`, choices: expansions })),
];

/** The numbers (0 to 19) of the layers within the depths, stage by stage. */
const keptLayers = (genotype: Genotype): readonly (readonly number[])[] =>
  stages.map((_, stage) =>
    Array.from({ length: depths[genotype[at.depth(stage)]] }, (__, i) => mostLayers * stage + i),
  );

/** Kernels and expansions of unused layers become the first choice. */
function canonical(genotype: Genotype): Genotype {
  const used = new Set(keptLayers(genotype).flat());
  const own = [...genotype];
  for (let layer = 0; layer < layers; layer++) if (!used.has(layer)) own[at.kernel(layer)] = own[at.expand(layer)] = 0;
  return own;
}

function build(genotype: Genotype, task: Task, scale: StageScale): Network {
  const first = stemOf(stem, scale, rules.divisor);
  const blocks = [blockOf(firstBlock, first.filters, scale, rules)];
  for (const [stage, kept] of keptLayers(genotype).entries()) {
    for (const [i, layer] of kept.entries()) {
      const own: BlockChoices = {
        ...stages[stage],
        ...plain,
        stride: i === 0 ? stages[stage].stride : 1,
        kernel: kernels[genotype[at.kernel(layer)]],
        expand: expansions[genotype[at.expand(layer)]],
      };
      blocks.push(blockOf(own, blocks[blocks.length - 1].filters, scale, rules));
    }
  }
  const input = inputOf({ task }, scale);
  return {
    kind: 'network',
    input,
    classes: task.classes,
    stem: first,
    blocks,
    head: headOf(head, scale, rules.divisor),
  };
}

/**
 * Once-for-All's MobileNetV3 space (Cai et al. 2020, the supernets `ofa_mbv3_d234_e346_k357`) with the decisions of its published
 * tables: `r` (image height in pixels), `d0` to `d4` (layers of each stage), `ks0` to `ks19` and `e0` to `e19` (kernel and expansion
 * of each layer, four a stage; layers beyond the depth are unused). The layer of 1280 before the logits has a bias, as in
 * MobileNetV3.
 */
export default function ofaMobilenetv3(task: Task): Space {
  return {
    name: 'ofa-mobilenetv3',
    decisions,
    canonical,
    build: (genotype) => build(genotype, task, { resolution: resolutions[genotype[0]], width: 1, depth: 1 }),
    inputs: resolutions.map((resolution) => inputOf({ task }, { resolution, width: 1, depth: 1 })),
  };
}
