import { canonicalJson } from '../../../base/hash.js';
import { differing, effectsOf, isAlone, type Effects, type Part } from './effects.js';
import { changedAt, laidOver, withValue, type Row } from './row.js';
import { placeOf } from './walk.js';

/** The experiments of a row, one for each value. */
export function experimentsOf({ key, values, base }: Row, whole: object): object[] {
  const { path, types } = placeOf(key);
  const typed = types.reduce<unknown>((made, [at, type]) => withValue(made, at, type), laidOver(whole, base));
  return values.map((value) => {
    const isWhole = path.at(-1) === 'type' && typeof value === 'object';
    const at = isWhole ? path.slice(0, -1) : path;
    return changedAt(typed, at, (before) => (isWhole ? laidOver(before, value) : value)) as object;
  });
}

/** Compares the values of rows by what runs of them show; every experiment runs once. */
export class KeyChecks {
  private readonly known = new Map<string, Promise<Effects>>();

  constructor(
    private readonly folder: string,
    private readonly whole: object,
  ) {}

  /**
   * Why a row does not hold; null: it does.
   * @param part in which its values have to differ
   */
  async defectOf(row: Row, part: Part = row.changes): Promise<string | null> {
    const { key, values } = row;
    const experiments = experimentsOf(row, this.whole);
    for (const [i, written] of experiments.entries()) {
      const now = await this.effects(written, part);
      if (now.refused !== undefined && part !== 'refused')
        return `${key}: ${JSON.stringify(values[i])} is refused: ${now.refused}`;
      if (i === 0) continue;
      const differs = differing(await this.effects(experiments[i - 1], part), now);
      if (differs.includes(part)) continue;
      const both = values.slice(i - 1, i + 1).map((value) => JSON.stringify(value));
      return `${key}: ${both.join(' and ')} have the same ${part}; different: ${differs.join(', ')}`;
    }
    return null;
  }

  /** Why a row is not refused with these words; null: one of its values is, and all refusals have them. */
  async acceptedOf({ key, values, base, changes }: Row, words: RegExp): Promise<string | null> {
    const experiments = experimentsOf({ key, values, base, changes }, this.whole);
    const found = await Promise.all(experiments.map((written) => this.effects(written, 'resolved')));
    const refusals = found.flatMap(({ refused }) => refused ?? []);
    if (refusals.length === 0) return `${key} is accepted`;
    const other = refusals.find((refused) => !words.test(refused));
    return other === undefined ? null : `${key} is refused otherwise: ${other}`;
  }

  private effects(written: object, part: Part): Promise<Effects> {
    const key = canonicalJson([written, isAlone(part) ? part : null]);
    const found = this.known.get(key) ?? effectsOf(written, part, this.folder);
    this.known.set(key, found);
    return found;
  }
}
