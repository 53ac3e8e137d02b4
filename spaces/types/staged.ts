import type { HeadConfig, StageConfig, StemConfig } from '../staged/schema.js';
import type { HeadChoices, StageChoices, StagedPlan, StemChoices } from '../staged/plan.js';
import type { Task } from '../space.js';

/** What a field is when neither the user nor a preset says it. */
const stemDefaults: StemChoices = { filters: [16], kernel: [3], stride: [1], act: ['relu'] };
const headDefaults: HeadChoices = { filters: [0], hidden: [0], act: ['relu'], dropout: [0] };
const stageDefaults: Omit<StageChoices, 'filters'> = {
  depth: [1],
  kind: ['mbconv'],
  stride: [1],
  act: ['relu'],
  kernel: [3],
  expand: [1],
  se: [0],
};

/** Later configurations win, key by key. */
const stemChoices = (...configs: readonly (StemConfig | undefined)[]): StemChoices =>
  configs.reduce<StemChoices>((all, config) => ({ ...all, ...config }), stemDefaults);

const headChoices = (...configs: readonly (HeadConfig | undefined)[]): HeadChoices =>
  configs.reduce<HeadChoices>((all, config) => ({ ...all, ...config }), headDefaults);

const stageChoices = (stages: readonly StageConfig[]): StageChoices[] =>
  stages.map((stage) => ({ ...stageDefaults, ...stage }));

interface CommonConfig {
  readonly resolution?: readonly number[] | undefined;
  readonly width?: readonly number[] | undefined;
  readonly stem?: StemConfig | undefined;
  readonly head?: HeadConfig | undefined;
  readonly stages?: readonly StageConfig[] | undefined;
  readonly share?: StagedPlan['share'] | undefined;
  readonly divisor?: number | undefined;
}

/** What all stage-wise spaces take from the user's keys and, where the user says nothing, from the preset's. */
export function commonPlan(config: CommonConfig, preset: CommonConfig, task: Task): Omit<StagedPlan, 'name' | 'terms'> {
  return {
    task,
    base: { resolution: task.input[0], width: 1, depth: 1 },
    scales: [
      {
        name: 'resolution',
        choices: config.resolution ?? [task.input[0]],
        apply: (scale, r) => ({ ...scale, resolution: r }),
      },
      {
        name: 'width',
        choices: config.width ?? preset.width ?? [1],
        apply: (scale, w) => ({ ...scale, width: scale.width * w }),
      },
    ],
    divisor: config.divisor ?? preset.divisor ?? 8,
    share: config.share ?? preset.share ?? 'stage',
    stem: stemChoices(preset.stem, config.stem),
    stages: stageChoices(config.stages ?? preset.stages ?? []),
    head: headChoices(preset.head, config.head),
  };
}
