import {
  isAlias,
  isCollection,
  isMap as isYamlMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
} from 'yaml';
import { messageOf } from '../../base/errors.js';
import { applyOverride, isOverride, parseOverride, type Override } from './override.js';
import { isMap, type KeyPath, type Problem, problemsError, quote, startsWith, valueAt } from './problem.js';

/** The node at a path, as far as it exists. */
interface Found {
  /** Offset of the key (in a map) or of the item (in a list). */
  readonly keyOffset: number;
  readonly node: Node | null;
}

const offsetOf = (node: unknown): number | undefined =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : undefined;

function step(document: Document, node: Node | null, key: string | number): Found | undefined {
  const real = isAlias(node) ? (node.resolve(document) ?? null) : node;
  if (isYamlMap(real)) {
    const pair = real.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
    if (pair === undefined) return undefined;
    const value = isMap(pair.value) ? (pair.value as unknown as Node) : null;
    return { keyOffset: offsetOf(pair.key) ?? 0, node: value };
  }
  if (isSeq(real)) {
    const item = real.items[Number(key)] as Node | undefined;
    return item === undefined ? undefined : { keyOffset: offsetOf(item) ?? 0, node: item };
  }
  return undefined;
}

/** An experiment's text with `--set` arguments applied; knows the position of every value. */
export class Source {
  readonly data: Readonly<Record<string, unknown>>;

  private constructor(
    readonly file: string,
    private readonly document: Document,
    private readonly at: (offset: number) => string,
    private readonly overrides: readonly Override[],
    data: Readonly<Record<string, unknown>>,
  ) {
    this.data = data;
  }

  /**
   * @param set `key.path=value` arguments
   * @param more overrides of other arguments, applied after `set`
   * @param positions whether the text is the user's own, so that messages name lines
   * @throws NasError `invalid-input` listing every syntax error, duplicate key and malformed `--set`.
   */
  static parse(
    file: string,
    text: string,
    set: readonly string[] = [],
    more: readonly Override[] = [],
    positions = true,
  ): Source {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const at = (offset: number): string => (positions ? position(file, lines, offset) : file);
    const problems: Problem[] = document.errors.map(({ code, message, pos: [offset] }) => ({
      where: at(offset),
      path: [],
      message: code === 'DUPLICATE_KEY' ? duplicateKey(text, offset) : `not valid YAML: ${message}`,
    }));
    if (problems.length > 0) throw problemsError(file, problems);
    const data = plainData(file, document);
    if (!isMap(data)) {
      const message = `got ${quote(data)}; expected an experiment: name, data, space, ...`;
      throw problemsError(file, [{ where: at(offsetOf(document.contents) ?? 0), path: [], message }]);
    }
    const parsed = [...set.map(parseOverride), ...more];
    const overrides = parsed.filter(isOverride);
    const wrong = parsed.flatMap((item) => (isOverride(item) ? (applyOverride(data, item) ?? []) : item));
    if (wrong.length > 0) throw problemsError(file, wrong);
    return new Source(file, document, at, overrides, data);
  }

  /**
   * Position of a value or its key: `file:line:column`, or the `--set` argument. Values that are not written have the
   * position of the nearest parent.
   */
  where(path: KeyPath, part: 'key' | 'value' = 'value'): string {
    const around = path.map((_, depth) => this.overrideInside(path.slice(0, path.length - depth)));
    const override = this.overrideOf(path) ?? around.find((found) => found !== undefined);
    if (override !== undefined) return override.where;
    let node = this.document.contents;
    let offset = offsetOf(node) ?? 0;
    for (const [depth, key] of path.entries()) {
      const found = step(this.document, node, key);
      if (found === undefined) break;
      const whole = depth === path.length - 1;
      offset = whole && part === 'value' ? (offsetOf(found.node) ?? found.keyOffset) : found.keyOffset;
      node = found.node;
    }
    return this.at(offset);
  }

  /** The last `--set` inside the value at this path, when the text has no map or list there. */
  private overrideInside(path: KeyPath): Override | undefined {
    if (path.length === 0 || isCollection(this.document.getIn(path, true))) return undefined;
    return this.overrides.findLast((override) => startsWith(override.path, path));
  }

  /**
   * Lays the maps without a type that overrides made over the defaults in their place: a key of `train.optimizer` alone
   * keeps its type.
   * @param defaultAt the value at a path with these overrides alone
   * @returns whether anything changed
   */
  fillFromDefaults(defaultAt: (path: KeyPath, overrides: readonly Override[]) => unknown): boolean {
    const parents = this.overrides.map(({ path }) => path.slice(0, -1));
    const made = parents.filter((path) => {
      const value = valueAt(this.data, path);
      const isWritten = path.length === 0 || isCollection(this.document.getIn(path, true));
      return !isWritten && isMap(value) && !('type' in value);
    });
    // Others in a whole part, such as `train.recipe`, may decide the default.
    const inside = made.filter((path) => path.length > 1);
    const filled = made.map((path) => {
      const others = this.overrides.filter((other) => ![path, ...inside].some((map) => startsWith(other.path, map)));
      const [value, known] = [valueAt(this.data, path), defaultAt(path, others)];
      if (!isMap(value) || !isMap(known) || typeof known['type'] !== 'string') return false;
      for (const key of Object.keys(known)) value[key] ??= known[key];
      return true;
    });
    return filled.includes(true);
  }

  /** The last `--set` of the value at this path. */
  overrideOf(path: KeyPath): Override | undefined {
    return this.overrides.findLast((override) => startsWith(path, override.path));
  }
}

function position(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
}

function duplicateKey(text: string, offset: number): string {
  const key = /^[^\s:]+/.exec(text.slice(offset))?.[0] ?? '';
  return `the key '${key}' is written twice in the same place; keep one of them`;
}

/** A deep copy without shared aliases, so that overrides affect one value only. */
function unshared(value: unknown, around: readonly unknown[]): unknown {
  if (around.includes(value)) throw new Error('an alias refers to a value that contains it');
  if (Array.isArray(value)) return value.map((item) => unshared(item, [...around, value]));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unshared(item, [...around, value])]));
}

function plainData(file: string, document: Document): unknown {
  try {
    return unshared(document.toJS() as unknown, []);
  } catch (error) {
    throw problemsError(file, [{ where: `${file}:1:1`, path: [], message: `not valid YAML: ${messageOf(error)}` }]);
  }
}
