/** Images of a request that are decoded or computed at a time: enough for all threads, and few when its client leaves. */
const atOnce = 16;

/**
 * Does a task for each item, a few at a time; after the first failure no further task begins.
 * @throws the first failure, when all tasks that began have ended
 */
export async function fewAtOnce<T>(
  items: readonly T[],
  task: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const rest = items.entries();
  const doRest = async (): Promise<void> => {
    for (const [i, item] of rest) {
      try {
        await task(item, i);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, doRest));
  if (failures.length > 0) throw failures[0];
}
