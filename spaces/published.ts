import { genotypeOf } from './genotype.js';
import type { Network } from './network.js';
import type { Task } from './space.js';
import type { Flavour } from './staged/flavours.js';
import type { StagedPlan } from './staged/layout.js';
import { createStagedSpace } from './staged/space.js';
import { efficientnetPlan, efficientnetSchema } from './types/efficientnet.js';
import { mobilenetPlan, mobilenetSchema } from './types/mobilenet.js';

/** The layers of one stage: kernel, expansion, squeeze-excite, kernel before the expansion, width of groups. */
type Layers = readonly (readonly [kernel: number, expand: number, se?: number, before?: number, group?: number])[];

const repeated = (count: number, ...layer: Layers[number]): Layers => Array.from({ length: count }, () => layer);

/** Equal rows of MobileNetV4's tables. */
const universal = (before: number, kernel: number, expand: number, count = 1): Layers =>
  repeated(count, kernel, expand, 0, before);

/** The plan of a preset at one width. */
const planOf = (preset: PublishedName, task: Task, width: number, flavour: Flavour | undefined): StagedPlan =>
  preset === 'efficientnet-b0'
    ? efficientnetPlan(efficientnetSchema.parse({ type: 'efficientnet', preset, flavour, width, phi: 0 }), task)
    : mobilenetPlan(mobilenetSchema.parse({ type: 'mobilenet', preset, flavour, width }), task);

/** The stages of the published networks, which are members of their presets. */
const table = {
  /** Howard et al. 2017, table 1; `MNV1_BLOCK_SPECS` of TensorFlow's model garden (vision/modeling/backbones/mobilenet.py). */
  mobilenetv1: [1, 2, 2, 6, 2].map((depth) => repeated(depth, 3, 1)),
  /** Sandler et al. 2018, table 2. */
  mobilenetv2: [repeated(1, 3, 1, 0), ...[2, 3, 4, 3, 3, 1].map((depth) => repeated(depth, 3, 6, 0))],
  /** Howard et al. 2019, table 2. */
  'mobilenetv3-small': [
    [[3, 1, 0.25]],
    [
      [3, 4.5, 0],
      [3, 11 / 3, 0],
    ],
    [[5, 4, 0.25], ...repeated(2, 5, 6, 0.25)],
    repeated(2, 5, 3, 0.25),
    repeated(3, 5, 6, 0.25),
  ],
  /** Howard et al. 2019, table 1. */
  'mobilenetv3-large': [
    [[3, 1, 0]],
    [
      [3, 4, 0],
      [3, 3, 0],
    ],
    repeated(3, 5, 3, 0.25),
    [[3, 6, 0], [3, 2.5, 0], ...repeated(2, 3, 2.3, 0)],
    repeated(2, 3, 6, 0.25),
    repeated(3, 5, 6, 0.25),
  ],
  /** Qin et al. 2024; `MNV4ConvSmall_BLOCK_SPECS` there. */
  'mobilenetv4-conv-small': [
    ...[3, 1, 3, 1].map((kernel) => repeated(1, kernel, 1)),
    [...universal(5, 5, 3), ...repeated(4, 3, 2), ...universal(3, 0, 4)],
    [...universal(3, 3, 6), ...universal(5, 5, 4), [5, 4], [5, 3], ...repeated(2, 3, 4)],
  ],
  /** Qin et al. 2024; `_mnv4_conv_medium_block_specs` there. */
  'mobilenetv4-conv-medium': [
    repeated(1, 3, 4),
    [...universal(3, 5, 4), ...universal(3, 3, 2)],
    [
      ...[...universal(3, 5, 6), ...universal(3, 3, 4, 2), ...universal(3, 5, 4), ...universal(3, 3, 4)],
      ...[...universal(3, 0, 4), ...universal(0, 0, 2), ...universal(3, 0, 4)],
    ],
    [
      ...[...universal(5, 5, 6), ...universal(5, 5, 4), ...universal(3, 5, 4, 2), ...universal(0, 0, 4)],
      ...[...universal(3, 0, 4), ...universal(3, 5, 2), ...universal(5, 5, 4), ...universal(0, 0, 4, 2)],
      ...universal(5, 0, 2),
    ],
  ],
  /** `mobilenet_edgetpu_v2_s` of TensorFlow's model garden (projects/edgetpu, mobilenet_edgetpu_v2_model_blocks.py). */
  'mobilenet-edgetpu-v2': [
    repeated(1, 0, 1),
    [
      [3, 8],
      [3, 4, 0, 0, 64],
    ],
    [
      [3, 8],
      [3, 4, 0, 0, 64],
      [3, 4],
      [3, 4, 0, 0, 64],
    ],
    repeated(1, 3, 8),
    repeated(3, 3, 4),
    ...[4, 4, 1].map((depth) => [[3, 8] as const, ...repeated(depth - 1, 3, 4)]),
  ],
  /** Tan & Le 2019, table 1. */
  'efficientnet-b0': [
    repeated(1, 3, 1, 0.25),
    repeated(2, 3, 6, 0.25),
    repeated(2, 5, 6, 0.25),
    repeated(3, 3, 6, 0.25),
    repeated(3, 5, 6, 0.25),
    repeated(4, 5, 6, 0.25),
    repeated(1, 3, 6, 0.25),
  ],
} as const satisfies Record<string, readonly Layers[]>;

export type PublishedName = keyof typeof table;
export const publishedNames = Object.keys(table) as PublishedName[];

/** The choices of a stage by decision; layers that share decisions have the same choices. */
function choicesOfStage(layers: Layers, stage: number): readonly (readonly [string, number])[] {
  const name = `stage${stage + 1}`;
  return [
    [`${name}.depth`, layers.length],
    ...layers.flatMap(([kernel, expand, se = 0, before = 0, group = 0], i) =>
      [name, `${name}.layer${i + 1}`].flatMap(
        (own) =>
          [
            [`${own}.kernel`, kernel],
            [`${own}.expand`, expand],
            [`${own}.se`, se],
            [`${own}.before`, before],
            [`${own}.group_width`, group],
          ] as const,
      ),
    ),
  ];
}

/**
 * A published network for a task, as libraries define it; a member of the preset of its name.
 * @param width multiplier of all widths
 * @param flavour the library whose files it computes like; default keras
 */
export function publishedNetwork(name: PublishedName, task: Task, width = 1, flavour?: Flavour): Network {
  const space = createStagedSpace(planOf(name, task, width, flavour));
  const chosen = Object.fromEntries(table[name].flatMap(choicesOfStage));
  // Layers beyond the depth have decisions, too.
  const rest = Object.fromEntries(space.decisions.map((decision) => [decision.name, decision.choices[0]]));
  return space.build(genotypeOf(space.decisions, { ...rest, ...chosen }));
}
