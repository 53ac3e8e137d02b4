import { measures, moments, type Measure } from '../../experiments/schema/measures.js';
import type { ExperimentKind } from '../../experiments/schema/kind.js';
import { experimentJsonSchema } from '../../experiments/parse/index.js';
import { discriminatorOf, valuesOf, type JsonSchema } from '../../experiments/parse/json-schema.js';
import { code, codes, page, table } from './markdown.js';
import { defaultOf, itemsOf, mapsOf, rangeOf, typeOf, wordsOf } from './schema-words.js';

/** The introduction of docs/experiment.md. */
const experimentIntroduction = `An experiment is one YAML file; \`nas init\` writes a commented one, and \`nas validate\` names every mistake with its line and
column. Only \`name\`, \`data\` and \`space\` must be given (for a search in [a table of results](#a-table-of-results), \`name\`, \`space\` and \`objectives\`). \`nas validate FILE --json\` prints the experiment with every default
filled in. Editors complete and check the keys with \`experiments/experiment.schema.json\`: begin the file with
\`# yaml-language-server: $schema=<path to that file>\`.

**Words for maps.** Where a map has a \`type\` and no other key is required, the type alone may stand for it:
\`data: fashion-mnist\` is \`data: {type: fashion-mnist}\`. In \`objectives\`, a name may stand for a map with that name.

**On the command line.** \`--set key.path=value\` overrides one value and may be repeated; the value is YAML:
\`--set train.epochs=3\`, \`--set 'space.width=[0.5, 1]'\`, \`--set objectives.1.constraint.max=2\` (list items are counted from 0),
\`--set teacher.epochs=2\` (which makes the word \`teacher: train\` a map first).

**Paths** (\`data.path\`, \`teacher.path\`, \`space.path\`, \`space.file\`) start at the folder of the file; those given by \`--set\` start at the
current folder. \`~/\` is the home folder. Results go to \`runs/<name>\` in the current folder unless \`--workdir\` says otherwise.

**Choices.** In \`space\`, a list is what the search chooses from, and a single value is fixed.

In the tables below, \`stages[]\` stands for each item of the list \`stages\`.`;

/** The introduction to experiments on tables in docs/experiment.md. */
const tableIntroduction = `With \`space: {type: table, ...}\` nothing is trained or measured: each candidate is a row of a CSV file, and its values are
those of the row. Only \`name\`, \`seed\`, \`space\`, \`objectives\` and \`search\` (without \`fidelity\` and \`retries\`) can be given. All other features work as usual: constraints, resuming,
\`nas status\`, \`trials\`, \`show\`, \`pareto\` and the report. Time is simulated: \`search.parallel\` workers take the seconds in the table, and trials
record simulated times. The search itself does not wait.

The table may hold all combinations of its decisions or only some; candidates are always rows. Choices that are numbers are sorted as
numbers, others as texts (\`k3\` before \`k11\`). A cell \`NaN\` means a failed evaluation and gives a failed trial; empty cells are
errors.`;

/** The introduction to studies in docs/experiment.md. */
const studyIntroduction = `With \`evaluate: {type: tell, ...}\` a program of yours evaluates the candidates: \`nas ask\` gives one, and \`nas tell\`
takes its values ([Programs](api.md)). Only \`name\`, \`seed\`, \`space\`, \`evaluate\`, \`objectives\` and \`search\` (without \`parallel\`,
\`order\` and \`retries\`) can be given.`;

const titles = ['key', 'type', 'default', 'range', 'meaning'];

/** Content of a map or union → key path of its first description, to which equal ones refer. */
type Described = Map<string, string>;

/** A key whose value is one of several maps. Each map gets a table. */
interface Union {
  readonly path: string;
  readonly schema: JsonSchema;
}

/** Table rows for the keys of one map, with dotted paths for nested keys. Collects the unions among them. */
class Rows {
  readonly rows: string[][] = [];
  readonly unions: Union[] = [];

  constructor(private readonly described: Described) {}

  /** @param omitted keys that the heading of the table already names */
  addMap(path: string, { properties = {}, required = [] }: JsonSchema, omitted: readonly string[] = []): void {
    for (const [key, schema] of Object.entries(properties))
      if (!omitted.includes(key)) this.addKey(path === '' ? key : `${path}.${key}`, schema, required.includes(key));
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

  /** The key of another section with the same maps. */
  private earlier(path: string, maps: readonly JsonSchema[]): string | undefined {
    const content = JSON.stringify(maps.map(({ properties, required }) => ({ properties, required })));
    const known = this.described.get(content);
    if (known === undefined) this.described.set(content, path);
    const partOf = (key: string): string => key.split('.')[0];
    return known !== undefined && partOf(known) !== partOf(path) ? known : undefined;
  }
}

/** The tables of a key: one per map of a union, followed by the tables of nested unions. */
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

/** The keys with another meaning in a kind of experiments. */
function keysOf(kind: ExperimentKind, keys: readonly string[]): string[] {
  const { properties = {} } = experimentJsonSchema(kind);
  return keys.flatMap((key) => tablesOf(key, properties[key] ?? {}, new Map()));
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
    ...keysOf('table', ['space', 'objectives']),
    '## A study',
    studyIntroduction,
    ...keysOf('study', ['evaluate', 'objectives']),
  );
}
