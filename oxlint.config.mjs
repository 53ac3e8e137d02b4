// The rules of ESLint and typescript-eslint's strict set, by oxlint; and the arrows of docs/architecture.md: which folder may import
// which. Everything may import base.
const javascript = [
  'for-direction',
  'no-async-promise-executor',
  'no-case-declarations',
  'no-compare-neg-zero',
  'no-cond-assign',
  'no-constant-binary-expression',
  'no-constant-condition',
  'no-control-regex',
  'no-debugger',
  'no-delete-var',
  'no-dupe-else-if',
  'no-duplicate-case',
  'no-empty',
  'no-empty-character-class',
  'no-empty-pattern',
  'no-empty-static-block',
  'no-ex-assign',
  'no-extra-boolean-cast',
  'no-global-assign',
  'no-invalid-regexp',
  'no-irregular-whitespace',
  'no-loss-of-precision',
  'no-misleading-character-class',
  'no-nonoctal-decimal-escape',
  'no-prototype-builtins',
  'no-regex-spaces',
  'no-self-assign',
  'no-shadow-restricted-names',
  'no-sparse-arrays',
  'no-unexpected-multiline',
  'no-unsafe-finally',
  'no-unsafe-optional-chaining',
  'no-unused-labels',
  'no-unused-private-class-members',
  'no-useless-backreference',
  'no-useless-catch',
  'no-useless-escape',
  'require-yield',
  'use-isnan',
  'valid-typeof',
  'no-var',
  'prefer-const',
  'prefer-rest-params',
  'prefer-spread',
];
const typed = [
  'await-thenable',
  'no-array-constructor',
  'no-array-delete',
  'no-base-to-string',
  'no-deprecated',
  'no-duplicate-enum-values',
  'no-duplicate-type-constituents',
  'no-dynamic-delete',
  'no-empty-object-type',
  'no-explicit-any',
  'no-extra-non-null-assertion',
  'no-extraneous-class',
  'no-floating-promises',
  'no-for-in-array',
  'no-generated-empty-object-type',
  'no-implied-eval',
  'no-invalid-void-type',
  'no-meaningless-void-operator',
  'no-misused-new',
  'no-misused-promises',
  'no-misused-spread',
  'no-mixed-enums',
  'no-namespace',
  'no-non-null-asserted-nullish-coalescing',
  'no-non-null-asserted-optional-chain',
  'no-non-null-assertion',
  'no-redundant-type-constituents',
  'no-require-imports',
  'no-this-alias',
  'no-unnecessary-boolean-literal-compare',
  'no-unnecessary-condition',
  'no-unnecessary-template-expression',
  'no-unnecessary-type-arguments',
  'no-unnecessary-type-assertion',
  'no-unnecessary-type-constraint',
  'no-unnecessary-type-conversion',
  'no-unnecessary-type-parameters',
  'no-unsafe-argument',
  'no-unsafe-assignment',
  'no-unsafe-call',
  'no-unsafe-declaration-merging',
  'no-unsafe-enum-assignment',
  'no-unsafe-enum-comparison',
  'no-unsafe-function-type',
  'no-unsafe-member-access',
  'no-unsafe-return',
  'no-unsafe-unary-minus',
  'no-unused-vars',
  'no-useless-constructor',
  'no-useless-default-assignment',
  'no-wrapper-object-types',
  'only-throw-error',
  'prefer-as-const',
  'prefer-literal-enum-member',
  'prefer-namespace-keyword',
  'prefer-promise-reject-errors',
  'prefer-reduce-type-parameter',
  'prefer-return-this-type',
  'related-getter-setter-pairs',
  'require-await',
  'triple-slash-reference',
  'unbound-method',
  'unified-signatures',
  'use-unknown-in-catch-callback-variable',
];

const arrows = {
  base: [],
  compiler: ['base'],
  spaces: ['base'],
  store: ['base'],
  search: ['base', 'spaces'],
  trainers: ['base', 'spaces', 'compiler'],
  'latency-models': ['base', 'spaces', 'compiler', 'deploy'],
  deploy: ['base', 'spaces', 'compiler'],
  serve: ['base', 'compiler', 'deploy'],
  experiments: ['base', 'spaces', 'compiler', 'search', 'trainers', 'latency-models', 'deploy', 'store'],
  runner: ['base', 'spaces', 'compiler', 'search', 'trainers', 'latency-models', 'deploy', 'store', 'experiments'],
  workers: ['base', 'spaces', 'compiler', 'trainers', 'latency-models', 'store', 'experiments', 'runner'],
  reports: ['base', 'spaces', 'search', 'trainers', 'latency-models', 'store', 'experiments', 'runner'],
  // What programs import; the command is made of it.
  api: ['base', 'spaces', 'compiler', 'search', 'store', 'experiments', 'runner', 'workers', 'reports', 'ui'],
  // What is known to a page: the types of the read model (below), and no code of it.
  ui: ['base'],
  cli: [
    'base',
    'spaces',
    'compiler',
    'search',
    'trainers',
    'latency-models',
    'deploy',
    'store',
    'serve',
    'experiments',
    'runner',
    'workers',
    'reports',
    'api',
    'ui',
  ],
};
const folders = Object.keys(arrows);

const arrowPatterns = (folder) =>
  folders
    .filter((other) => other !== folder && !arrows[folder].includes(other))
    .map((other) => ({
      regex: `(^|/)\\.\\./${other}/`,
      message: `${folder}/ may not import ${other}/ (see docs/architecture.md)`,
    }));

const restricted = (files, patterns, excludeFiles = []) => ({
  files,
  excludeFiles,
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});

const importDirection = [
  ...folders
    .filter((folder) => folder !== 'ui')
    .map((folder) => restricted([`${folder}/**/*.ts`], arrowPatterns(folder))),
  {
    files: ['ui/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...arrowPatterns('ui').filter(({ regex }) => !regex.includes('reports')),
            {
              regex: '/reports/page/api\\.js$',
              allowTypeImports: true,
              message: 'ui/ takes types from the read model, no code',
            },
            {
              group: ['**/reports/**', '!**/reports/page/api.js'],
              message: 'ui/ knows reports/page/api.ts only (see docs/architecture.md)',
            },
          ],
        },
      ],
    },
  },
  // Lists and tables load spaces/ in milliseconds: it keeps its programs, and the compiler's, in one room.
  restricted(
    ['spaces/**/*.ts'],
    [
      ...arrowPatterns('spaces'),
      { regex: '^@tensorflow/|/models/', message: 'only spaces/models/ loads TF.js (see docs/architecture.md)' },
    ],
    ['spaces/models/**'],
  ),
  restricted(
    ['spaces/models/*.ts'],
    arrowPatterns('spaces').filter(({ regex }) => !regex.includes('compiler')),
  ),
  // Reports read what a run stored. Changes of a run by the page call the runner.
  restricted(
    ['reports/**/*.ts'],
    [
      ...arrowPatterns('reports'),
      {
        group: ['**/runner/**', '!**/runner/stored/**', '!**/runner/compress/verdict.js'],
        message: 'reports read runner/stored/, not the runner (see docs/architecture.md)',
      },
    ],
    ['reports/page/actions.ts'],
  ),
];

const errors = (names, prefix = '') => Object.fromEntries(names.map((name) => [prefix + name, 'error']));

const restrictedProperties = [
  { object: 'Math', property: 'random', message: 'Randomness is an argument: take a Random (base/random.ts).' },
  ...['getData', 'download'].map((property) => ({
    property,
    message:
      'It ends the process for a tensor on a device: read it by a session (compiler/runtime/programs/device-memory.ts).',
  })),
];
const tensorflowKernels = ['registerKernel', 'unregisterKernel'].map((property) => ({
  property,
  message: 'Test files share a process: withKernel (test/support/kernel.ts) puts the own kernel back.',
}));

export default {
  plugins: ['typescript', 'import'],
  categories: { correctness: 'off' },
  options: { typeAware: true, reportUnusedDisableDirectives: 'error' },
  ignorePatterns: ['dist', 'runs', 'node_modules', 'coverage', '**/fixtures/**'],
  rules: {
    ...errors(javascript),
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'no-fallthrough': 'error',
    'no-shadow': ['error', { allow: ['_'] }],
    'no-restricted-properties': ['error', ...restrictedProperties],
  },
  overrides: [
    {
      files: ['test/**'],
      rules: {
        'no-restricted-properties': ['error', ...restrictedProperties, ...tensorflowKernels],
        'no-shadow': 'off',
      },
    },
    {
      files: ['**/*.{ts,tsx}'],
      rules: {
        ...errors(typed, 'typescript/'),
        'typescript/ban-ts-comment': ['error', { minimumDescriptionLength: 10 }],
        'typescript/no-unused-expressions': 'error',
        'typescript/return-await': ['error', 'error-handling-correctness-only'],
        'typescript/restrict-plus-operands': [
          'error',
          {
            allowAny: false,
            allowBoolean: false,
            allowNullish: false,
            allowNumberAndString: false,
            allowRegExp: false,
          },
        ],
        'typescript/restrict-template-expressions': [
          'error',
          {
            allowNumber: true,
            allowBoolean: true,
            allowArray: true,
          },
        ],
        'typescript/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      },
    },
    {
      files: ['**/*.{js,mjs}'],
      env: { node: true, browser: true, serviceworker: true },
      rules: { 'no-undef': 'error' },
    },
    {
      // Everything else runs in Node.js; the types of a browser's globals are there for ui/.
      files: ['**/*.ts'],
      excludeFiles: ['ui/**', 'test/**', 'latency-models/devices/browser/**'],
      rules: {
        'no-restricted-globals': ['error', 'window', 'document', 'localStorage', 'location', 'navigator', 'name'],
      },
    },
    // The types of ECharts mark `itemStyle` as deprecated for every series, because custom series have another place for it.
    { files: ['ui/charts/**', 'bench/search-table/chart.ts'], rules: { 'typescript/no-deprecated': 'off' } },
    ...importDirection,
  ],
};
