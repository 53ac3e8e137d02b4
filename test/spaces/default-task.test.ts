import { describe, expect, it } from 'vitest';
import { createSpace, defaultTask, layersOf, spaceSchema } from '../../spaces/index.js';

describe('defaultTask', () => {
  it.each([
    [{ type: 'nas-bench-201' }, 32],
    [{ type: 'mobilenet' }, 32],
    [{ type: 'mobilenet', preset: 'mobilenetv2' }, 224],
    [{ type: 'efficientnet', preset: 'small' }, 64],
  ])('gives images that %j can be built for', async (config, side) => {
    const parsed = spaceSchema.parse(config);
    const task = defaultTask(parsed);
    expect(task?.input).toEqual([side, side, 3]);
    const space = await createSpace(parsed, task ?? { input: [1, 1, 1], classes: 1 });
    expect(layersOf(space.build(space.decisions.map(() => 0))).at(-1)?.output).toEqual([1, 1, task?.classes]);
  });

  it("knows none for spaces of one's own", () => {
    expect(defaultTask(spaceSchema.parse({ type: 'blocks', blocks: [{ filters: 8 }] }))).toBeNull();
  });
});
