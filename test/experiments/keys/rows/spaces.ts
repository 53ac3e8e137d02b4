import { row, type Row } from '../row.js';

/** The key of blocks in each type of staged space. */
const lists = { blocks: 'blocks', mobilenet: 'stages', efficientnet: 'stages' } as const;
type Staged = keyof typeof lists;

const block = {
  filters: [8, 16],
  depth: [1, 2],
  kernel: [3, 5],
  expand: [2, 3],
  se: [0.25, 0.5],
  stride: 2,
  act: 'relu',
};

/** A space with every part that a key may change. */
const staged = (type: Staged): object => ({
  space: {
    type,
    ...(type !== 'blocks' && { preset: null, flavour: null }),
    stem: { filters: 12, kernel: 3, stride: 2, act: 'relu' },
    head: { filters: 16, hidden: 16, act: 'relu', dropout: 0 },
    stages: null,
    width: [0.5, 1],
    [lists[type]]: [block],
  },
});

function stagedRows(type: Staged): Row[] {
  const space = `space(${type})`;
  const of = (key: string, values: readonly unknown[], base: object = staged(type)) =>
    row(`${space}.${key}`, values, 'space', base);
  const first = `${lists[type]}[]`;
  const beside = (changes: object) => {
    const { space: own } = staged(type) as { space: object };
    return { space: { ...own, [lists[type]]: [{ ...block, ...changes }] } };
  };
  return [
    of('resolution', [28, 32, [28, 32]]),
    of('width', [1, 2, [1, 2]]),
    of('divisor', [1, 8]),
    of('share', ['stage', 'layer']),
    of('squeeze_of', ['expanded', 'input']),
    of('stem.filters', [12, 16]),
    of('stem.kernel', [3, 5]),
    of('stem.stride', [1, 2]),
    of('stem.act', ['relu', 'swish']),
    of('head.filters', [0, 16, 24]),
    of('head.hidden', [0, 16]),
    of('head.act', ['relu', 'swish']),
    of('head.dropout', [0, 0.2]),
    of('style.epsilon', [0.001, 0.01]),
    of('style.momentum', [0.9, 0.99]),
    of('style.padding', ['same', 'symmetric']),
    of('style.squeeze', ['relu', 'swish']),
    of('style.gate', ['hard_sigmoid', 'sigmoid']),
    of(`${first}.kind`, ['mbconv', 'fused_mbconv', 'separable', 'basic', 'conv', 'pooled', 'bottleneck']),
    of(`${first}.filters`, [8, 16, [8, 16]]),
    of(`${first}.stride`, [1, 2]),
    of(`${first}.depth`, [1, 2, [1, 2]]),
    of(`${first}.kernel`, [3, 5]),
    of(`${first}.before`, [0, 3]),
    of(`${first}.expand`, [1, 2]),
    of(`${first}.se`, [0, 0.25]),
    of(`${first}.group_width`, [0, 4], beside({ kind: 'fused_mbconv' })),
    of(`${first}.act`, ['relu', 'swish']),
  ];
}

/** The keys of the experiment's own space taken away. */
const none = { width: null, stem: null, stages: null, head: null };
const only = (type: string): object => ({ type, ...none });

/** The keys of spaces of networks. @param module files of two spaces in code */
export const spaceRows = (module: readonly [string, string]): Row[] => [
  row(
    'space.type',
    [
      { type: 'mobilenet', preset: 'tiny' },
      { type: 'efficientnet', preset: 'tiny' },
      { type: 'blocks', blocks: [block] },
      { type: 'nas-bench-201' },
      { type: 'module', path: module[0] },
    ],
    'space',
    { space: none },
  ),
  ...stagedRows('blocks'),
  ...stagedRows('mobilenet'),
  ...stagedRows('efficientnet'),
  row('space(mobilenet).preset', ['tiny', 'small'], 'space', { space: only('mobilenet') }),
  row('space(mobilenet).flavour', ['keras', 'torchvision'], 'space', {
    space: { ...only('mobilenet'), preset: 'mobilenetv2' },
  }),
  row('space(efficientnet).preset', ['tiny', 'small'], 'space', { space: only('efficientnet') }),
  row('space(efficientnet).flavour', ['keras', 'torchvision'], 'space', {
    space: { ...only('efficientnet'), preset: 'efficientnet-b0' },
  }),
  row('space(efficientnet).phi', [0, 1], 'space', { space: only('efficientnet') }),
  ...(['alpha', 'beta', 'gamma'] as const).map((key) =>
    row(`space(efficientnet).compound.${key}`, [1, 1.5], 'space', { space: { ...only('efficientnet'), phi: 2 } }),
  ),
  row('space(nas-bench-201).filters', [8, 16], 'space', { space: only('nas-bench-201') }),
  row('space(nas-bench-201).cells', [1, 2], 'space', { space: only('nas-bench-201') }),
  row('space(module).path', module, 'space', { space: only('module') }),
];
