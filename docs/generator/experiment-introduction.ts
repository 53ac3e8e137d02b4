/** What docs/experiment.md says before its tables. */
export const experimentIntroduction = `An experiment is one YAML file; \`nas init\` writes a commented one, and \`nas validate\` names every mistake with its line and
column. Only \`name\`, \`data\` and \`space\` must be given. \`nas validate FILE --json\` prints the experiment with every default
filled in. Editors complete and check the keys with \`experiments/experiment.schema.json\`: begin the file with
\`# yaml-language-server: $schema=<path to that file>\`.

**Words for maps.** Where a map has a \`type\` and no other key is required, the type alone may stand for it:
\`data: fashion-mnist\` is \`data: {type: fashion-mnist}\`. In \`objectives\` a name may stand for a map with that name.

**On the command line.** \`--set key.path=value\` lays one value over the file, and may be repeated; the value is YAML:
\`--set train.epochs=3\`, \`--set 'space.width=[0.5, 1]'\`, \`--set objectives.1.constraint.max=2\` (list items are counted from 0),
\`--set teacher.epochs=2\` (which makes the word \`teacher: train\` a map first).

**Paths** (\`data.path\`, \`teacher.path\`, \`space.path\`) start at the folder of the file; those given by \`--set\` start at the
current folder. \`~/\` is the home folder. Results go to \`runs/<name>\` in the current folder unless \`--workdir\` says otherwise.

**Choices.** In \`space\`, a list is what the search chooses from, and a single value is fixed.

In the tables below, \`stages[]\` stands for each item of the list \`stages\`.`;
