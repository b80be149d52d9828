/**
 * The import rule: who may know whom (docs/ARCHITECTURE.md). What is absent is forbidden.
 * `npm run depcheck` enforces it; type imports count.
 */
const PARTS = {
  model: [],
  config: ['model'],
  runtime: ['model'],
  'storage/engine': ['model'],
  'storage/ports': ['model'],
  'storage/sqlite': ['model', 'runtime', 'storage/engine', 'storage/ports'],
  ingest: ['model', 'runtime', 'storage/ports'],
  query: ['model', 'runtime', 'storage/ports'],
  control: ['model', 'runtime', 'storage/ports', 'ingest'],
  live: ['model', 'runtime', 'query'],
  alerting: ['model', 'runtime', 'storage/ports', 'query'],
  http: ['model', 'runtime', 'query', 'control', 'ingest', 'alerting'],
  tools: ['model', 'config', 'runtime', 'storage/engine', 'storage/sqlite'],
};
const FILES = {
  app: Object.keys(PARTS),
  main: ['config', 'app'],
};

/** Libraries that belong to one place: parts not listed here do not know they exist. */
const LIBRARIES = {
  'better-sqlite3': ['storage/sqlite'],
  ws: ['ingest', 'live', 'app'],
  express: ['http'],
  'express-rate-limit': ['http'],
  helmet: ['http'],
  cors: ['http'],
  'http-proxy-middleware': ['http'],
  joi: ['config', 'runtime', 'ingest', 'control', 'live', 'http', 'alerting'],
  nodemailer: ['alerting'],
  croner: ['alerting'],
  dotenv: ['config'],
  winston: ['runtime'],
  'prom-client': ['runtime'],
  sirv: ['http'],
};

/** A part is a folder, or a file of that name. */
const inPart = (part) => `^src/${part}(/|\\.ts$)`;
const anyOf = (parts) => (parts.length === 0 ? [] : parts.map(inPart));
const library = (name) => `(^|/)node_modules/(@types/)?${name}/`;

const partRules = Object.entries({ ...PARTS, ...FILES }).map(([part, mayImport]) => ({
  from: { path: inPart(part) },
  to: { path: [inPart(part), ...anyOf(mayImport)] },
}));
const libraryRules = Object.entries(LIBRARIES).map(([name, parts]) => ({
  from: { path: anyOf(parts) },
  to: { path: library(name) },
}));

/** The agent is a program of its own: it knows the server only by its protocol. */
const AGENT = '^agent/src/';
const agentRules = [
  { from: { path: AGENT }, to: { path: AGENT } },
  { from: { path: AGENT }, to: { path: ['ws', 'systeminformation'].map(library) } },
];

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one thing, or a third is missing.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'pure-parts',
      comment: "The model and the storage engine do no I/O: of Node's own modules they may use checksums and buffers.",
      severity: 'error',
      from: { path: anyOf(['model', 'storage/engine']) },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(zlib|buffer|util)$' },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere is checked against nothing.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  allowed: [...partRules, ...libraryRules, ...agentRules, { from: {}, to: { dependencyTypes: ['core'] } }],
  allowedSeverity: 'error',
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
