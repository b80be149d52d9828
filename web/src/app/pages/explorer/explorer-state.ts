/** What the explorer shows, and how that is written into its address: a link shows the same picture. Pure. */
import { durationText, LAST_HOUR, parseDuration, parseRange, rangeParams, type TimeRange } from '../../core/time-range';

export interface ExplorerState {
  readonly metrics: readonly string[];
  /** Empty: all of them. The same for providers and regions; of tags (`key:value`) all must hold. */
  readonly agents: readonly string[];
  readonly providers: readonly string[];
  readonly regions: readonly string[];
  readonly tags: readonly string[];
  /** As the API spells it: avg, sum, min, max, count, rate, increase, or p1 to p99. */
  readonly aggregation: string;
  /** series, agent, provider, region, none, or `tag:KEY`. */
  readonly by: string;
  /** Width of the buckets as the API spells it; `auto`: as narrow as the range allows. */
  readonly step: string;
  readonly range: TimeRange;
  readonly view: 'chart' | 'table';
  /** New data comes in by itself; only where the range ends now. */
  readonly live: boolean;
  /** Keys of lines that are not drawn; or, when `only` has some, of those that are. */
  readonly hide: readonly string[];
  readonly only: readonly string[];
}

/** What an address is made of: the router's query parameters. Null: not there. */
export type AddressParams = Readonly<Record<string, string | readonly string[] | null>>;

/** URLSearchParams, or the router's ParamMap. */
export interface AddressReader {
  get(name: string): string | null;
  getAll(name: string): readonly string[];
}

/** The API draws so many metrics at once. */
export const MAX_METRICS = 10;

export const AGGREGATIONS: readonly string[] = ['avg', 'min', 'max', 'sum', 'count', 'rate', 'increase', 'p50', 'p90', 'p95', 'p99'];

export const NOTHING_CHOSEN: ExplorerState = {
  metrics: [],
  agents: [],
  providers: [],
  regions: [],
  tags: [],
  aggregation: 'avg',
  by: 'series',
  step: 'auto',
  range: LAST_HOUR,
  view: 'chart',
  live: false,
  hide: [],
  only: [],
};

const AGGREGATION = /^(?:avg|sum|min|max|count|rate|increase|p[1-9][0-9]?)$/;
const GROUPING = /^(?:series|agent|provider|region|none|tag:.+)$/s;

/** Of an address; what makes no sense there is left out. */
export function parseState(address: AddressReader): ExplorerState {
  const usual = NOTHING_CHOSEN;
  const range = parseRange({ range: address.get('range'), from: address.get('from'), to: address.get('to') }, usual.range);
  const matching = (name: string, pattern: RegExp, fallback: string): string => {
    const text = address.get(name);
    return text !== null && pattern.test(text) ? text : fallback;
  };
  const stepMs = parseDuration(address.get('step') ?? '');
  return {
    metrics: listOf(address, 'm').slice(0, MAX_METRICS),
    agents: listOf(address, 'agent'),
    providers: listOf(address, 'provider'),
    regions: listOf(address, 'region'),
    tags: listOf(address, 'tag').filter(isTag),
    aggregation: matching('agg', AGGREGATION, usual.aggregation),
    by: matching('by', GROUPING, usual.by),
    step: stepMs === null ? usual.step : durationText(stepMs),
    range,
    view: address.get('view') === 'table' ? 'table' : 'chart',
    live: address.get('live') === '1' && range.kind === 'last',
    hide: listOf(address, 'hide'),
    only: listOf(address, 'only'),
  };
}

/** Parameters that parseState() makes the same state of; what is as usual is not said. */
export function formatState(state: ExplorerState): AddressParams {
  const usual = NOTHING_CHOSEN;
  const unless = (value: string, fallback: string): string | null => (value === fallback ? null : value);
  const list = (values: readonly string[]): readonly string[] | null => (values.length === 0 ? null : values);
  const range = rangeParams(state.range);
  return {
    m: list(state.metrics),
    agent: list(state.agents),
    provider: list(state.providers),
    region: list(state.regions),
    tag: list(state.tags),
    agg: unless(state.aggregation, usual.aggregation),
    by: unless(state.by, usual.by),
    step: unless(state.step, usual.step),
    ...range,
    range: range.range === rangeParams(usual.range).range ? null : range.range,
    view: unless(state.view, usual.view),
    live: state.live && state.range.kind === 'last' ? '1' : null,
    hide: list(state.hide),
    only: list(state.only),
  };
}

/** `key:value`; the value may be empty and may have colons, the key may not. */
export function isTag(text: string): boolean {
  return text.indexOf(':') > 0;
}

function listOf(address: AddressReader, name: string): string[] {
  return [...new Set(address.getAll(name).filter((text) => text !== ''))];
}
