/** What docs/experiment.md says before its tables. */
export const experimentIntroduction = `An experiment is one YAML file; \`nas init\` writes a commented one, and \`nas validate\` names every mistake with its line and
column. Only \`name\`, \`data\` and \`space\` must be given (for a search in [a table of results](#a-table-of-results), \`name\`, \`space\` and \`objectives\`). \`nas validate FILE --json\` prints the experiment with every default
filled in. Editors complete and check the keys with \`experiments/experiment.schema.json\`: begin the file with
\`# yaml-language-server: $schema=<path to that file>\`.

**Words for maps.** Where a map has a \`type\` and no other key is required, the type alone may stand for it:
\`data: fashion-mnist\` is \`data: {type: fashion-mnist}\`. In \`objectives\` a name may stand for a map with that name.

**On the command line.** \`--set key.path=value\` lays one value over the file, and may be repeated; the value is YAML:
\`--set train.epochs=3\`, \`--set 'space.width=[0.5, 1]'\`, \`--set objectives.1.constraint.max=2\` (list items are counted from 0),
\`--set teacher.epochs=2\` (which makes the word \`teacher: train\` a map first).

**Paths** (\`data.path\`, \`teacher.path\`, \`space.path\`, \`space.file\`) start at the folder of the file; those given by \`--set\` start at the
current folder. \`~/\` is the home folder. Results go to \`runs/<name>\` in the current folder unless \`--workdir\` says otherwise.

**Choices.** In \`space\`, a list is what the search chooses from, and a single value is fixed.

In the tables below, \`stages[]\` stands for each item of the list \`stages\`.`;

/** What docs/experiment.md says of experiments on tables. */
export const tableIntroduction = `With \`space: {type: table, ...}\` nothing is trained or measured: each candidate is a row of a CSV file, and its values are
those of the row. Only \`name\`, \`seed\`, \`space\`, \`objectives\` and \`search\` can be given. Everything else is as ever: constraints, resuming,
\`nas status\`, \`trials\`, \`show\`, \`pareto\` and the report. Time is simulated: \`search.parallel\` workers take the seconds that the table says, the
recorded times of the trials are what the clock of such a search would have shown, and nobody waits for them.

The table may hold all combinations of its decisions or only some; candidates are always rows. Choices that are numbers are sorted as
numbers, others as texts (\`k3\` before \`k11\`). A cell \`NaN\` says that the evaluation of this network failed, and gives a failed trial; empty cells
are mistakes.`;
