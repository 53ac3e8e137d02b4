import { measures, moments, type Measure } from '../../experiments/schema/measures.js';
import { experimentJsonSchema } from '../../experiments/parse/index.js';
import { discriminatorOf, valuesOf, type JsonSchema } from '../../experiments/parse/json-schema.js';
import { experimentIntroduction, tableIntroduction } from './experiment-introduction.js';
import { code, codes, page, table } from './markdown.js';
import { defaultOf, itemsOf, mapsOf, rangeOf, typeOf, wordsOf } from './schema-words.js';

const titles = ['key', 'type', 'default', 'range', 'meaning'];

/** Where each map and each union of maps was described first: a key with the same one refers to it. */
type Described = Map<string, string>;

/** A key whose value is one of several maps, each of which gets a table. */
interface Union {
  readonly path: string;
  readonly schema: JsonSchema;
}

/** Rows of the keys of one map, nested keys as dotted paths; unions among them are collected. */
class Rows {
  readonly rows: string[][] = [];
  readonly unions: Union[] = [];

  constructor(private readonly described: Described) {}

  /** @param left out: keys that the heading of the table tells already. */
  addMap(path: string, { properties = {}, required = [] }: JsonSchema, left: readonly string[] = []): void {
    for (const [key, schema] of Object.entries(properties))
      if (!left.includes(key)) this.addKey(path === '' ? key : `${path}.${key}`, schema, required.includes(key));
  }

  private addKey(path: string, schema: JsonSchema, required: boolean): void {
    const nested = itemsOf(schema);
    const maps = mapsOf(nested ?? schema);
    const before = maps.length === 0 ? undefined : this.earlier(path, maps);
    const type = before === undefined ? typeOf(schema) : `as ${code(before)}`;
    this.rows.push([code(path), type, defaultOf(schema, required), rangeOf(schema), schema.description ?? '']);
    if (before !== undefined) return;
    if (maps.length > 1) this.unions.push({ path, schema });
    else if (maps.length === 1) this.addMap(nested === undefined ? path : `${path}[]`, maps[0]);
  }

  /** The key of another part of the file with the same maps. */
  private earlier(path: string, maps: readonly JsonSchema[]): string | undefined {
    const content = JSON.stringify(maps.map(({ properties, required }) => ({ properties, required })));
    const known = this.described.get(content);
    if (known === undefined) this.described.set(content, path);
    const partOf = (key: string): string => key.split('.')[0];
    return known !== undefined && partOf(known) !== partOf(path) ? known : undefined;
  }
}

/** The tables of a key: one for a map, one a variant for a union; then those of the unions within. */
function tablesOf(path: string, schema: JsonSchema, described: Described): string[] {
  const items = itemsOf(schema);
  const maps = mapsOf(items ?? schema);
  const prefix = items === undefined ? path : `${path}[]`;
  return maps.flatMap((map) => {
    const rows = new Rows(described);
    const key = maps.length > 1 ? discriminatorOf(map) : undefined;
    rows.addMap(prefix, map, key === undefined ? [] : [key]);
    const kinds = key === undefined ? [] : valuesOf(map.properties?.[key] ?? {}).map(String);
    const heading = kinds.map((kind) => code(`${path}: {${key ?? ''}: ${kind}}`)).join(' or ');
    return [
      ...(kinds.length === 0 ? [] : [`### ${heading}`, sentence(map.description)]),
      ...(rows.rows.length === 0 ? [] : [table(titles, rows.rows)]),
      ...rows.unions.flatMap((union) => tablesOf(union.path, union.schema, described)),
    ];
  });
}

const sentence = (text = ''): string => (text === '' ? '' : `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`);

const shorthand = (key: string, schema: JsonSchema): string[] => {
  const words = wordsOf(schema);
  return words.length === 0 ? [] : [`In one word: ${codes(words.map((word) => `${key}: ${word}`))}.`];
};

const hasTables = (schema: JsonSchema): boolean => mapsOf(itemsOf(schema) ?? schema).length > 0;

const objectives = (): string =>
  table(
    ['name', 'unit', 'direction', 'known'],
    Object.entries<Measure>(measures).map(([name, { unit, direction, source }]) => [
      code(name),
      unit,
      direction,
      moments[source.kind].known,
    ]),
  );

/** The keys of experiments on a table that mean something else there. */
function onTables(): string[] {
  const { properties = {} } = experimentJsonSchema('table');
  return ['space', 'objectives'].flatMap((key) => tablesOf(key, properties[key] ?? {}, new Map()));
}

/** docs/experiment.md: every key of an experiment file. */
export function experimentPage(): string {
  const { properties = {}, required = [] } = experimentJsonSchema('training');
  const described: Described = new Map();
  const sections = Object.entries(properties).filter(([, schema]) => hasTables(schema));
  const overview = Object.entries(properties).map(([key, schema]) => [
    hasTables(schema) ? `[${code(key)}](#${key})` : code(key),
    typeOf(schema),
    defaultOf(schema, required.includes(key)),
    rangeOf(schema),
    schema.description ?? '',
  ]);
  return page(
    '# The experiment file',
    experimentIntroduction,
    '## Top level',
    table(titles, overview),
    ...sections.flatMap(([key, schema]) => [
      `## ${key}`,
      sentence(schema.description),
      ...shorthand(key, schema),
      ...(key === 'objectives' ? [objectives()] : []),
      ...tablesOf(key, schema, described),
    ]),
    '## A table of results',
    tableIntroduction,
    ...onTables(),
  );
}
