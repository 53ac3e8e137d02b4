// The arrows of docs/architecture.md: which folder may import which. Everything may import base.
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

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
  // What programs import; the command is made of it.
  api: ['base', 'spaces', 'compiler', 'search', 'store', 'experiments', 'ui'],
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
    'api',
    'ui',
  ],
};
const folders = Object.keys(arrows);

/** What the page of `nas export --to web` and its service worker use of a browser. */
const browserGlobals = [
  ...['document', 'navigator', 'performance', 'fetch', 'addEventListener', 'createImageBitmap', 'OffscreenCanvas'],
  ...['Blob', 'ImageData'],
  ...['caches', 'clients', 'registration', 'skipWaiting'],
];

const arrowPatterns = (folder) =>
  folders
    .filter((other) => other !== folder && !arrows[folder].includes(other))
    .map((other) => ({
      regex: `(^|/)\\.\\./${other}/`,
      message: `${folder}/ may not import ${other}/ (see docs/architecture.md)`,
    }));

const restricted = (files, patterns, ignores = []) => ({
  files,
  ignores,
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});

const importDirection = [
  ...folders
    .filter((folder) => folder !== 'ui')
    .map((folder) => restricted([`${folder}/**/*.ts`], arrowPatterns(folder))),
  {
    files: ['ui/**/*.{ts,tsx}'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            ...arrowPatterns('ui').filter(({ regex }) => !regex.includes('experiments')),
            {
              regex: '/experiments/(?!page/api\\.js$)',
              message: 'ui/ knows experiments/page/api.ts only (see docs/architecture.md)',
            },
            {
              regex: '/experiments/page/api\\.js$',
              allowTypeImports: true,
              message: 'ui/ takes types from the read model, no code',
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
  // A run has its report drawn when it ends; reports read what it stored.
  restricted(
    ['experiments/{report,page,stored}/**/*.ts'],
    [
      ...arrowPatterns('experiments'),
      { regex: '/runner/', message: 'reports read experiments/stored/, not the runner (see docs/architecture.md)' },
    ],
  ),
];

export default tseslint.config(
  { ignores: ['dist', 'runs', 'node_modules', 'coverage', '**/fixtures/**'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowArray: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness is an argument: take a Random (base/random.ts).' },
        ...['getData', 'download'].map((property) => ({
          property,
          message:
            'It ends the process for a tensor on a device: read it by a session (compiler/runtime/programs/device-memory.ts).',
        })),
      ],
    },
  },
  {
    // Everything else runs in Node.js; the types of a browser's globals are there for ui/.
    files: ['**/*.ts'],
    ignores: ['ui/**', 'test/**', 'latency-models/devices/browser/**'],
    rules: {
      'no-restricted-globals': ['error', 'window', 'document', 'localStorage', 'location', 'navigator', 'name'],
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['ui/app/public/*.js'],
    languageOptions: { globals: { document: 'readonly', localStorage: 'readonly' } },
  },
  {
    files: ['deploy/web/page/*.js'],
    languageOptions: { globals: Object.fromEntries(browserGlobals.map((name) => [name, 'readonly'])) },
  },
  ...importDirection,
);
