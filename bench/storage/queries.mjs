/** What is asked, of us over REST and of VictoriaMetrics in its own words; and how long the answers take. */
import { percentiles } from '../../dist-bench/percentiles.js';

const HOUR_MS = 3_600_000;
const WARM_UP = 5;
/** The 48 series: eight metrics of five interfaces and one of eight ping targets. */
const OF_48 = ['bytes', 'packets'].flatMap((kind) =>
  ['rx', 'tx'].flatMap((way) => ['per_sec', 'total'].map((what) => `network_interface_${way}_${kind}_${what}`)),
);
const NAMES_48 = [...OF_48, 'ping_rtt_avg_ms'];
const METRIC = 'network_interface_rx_bytes_per_sec';
const ROWS = 10_000;
const PAGE = 1_000;

/**
 * `ours` and `theirs` are lists of paths, asked one after the other; null where there is no such question. `dayEndMs` ends
 * the day of folded samples; our times are half-open, theirs are grids.
 */
export function questions({ agentId, agents, dayEndMs, page }) {
  const startMs = dayEndMs - 24 * HOUR_MS;
  const range = (fromMs, toMs) => `startTime=${new Date(fromMs).toISOString()}&endTime=${new Date(toMs).toISOString()}`;
  const day = range(startMs, dayEndMs);
  const hour = range(dayEndMs - HOUR_MS, dayEndMs);
  const aggregated = (rest, offset = 0) => `/api/v1/metrics/aggregated?aggregation=avg&limit=${ROWS}&offset=${offset}&${rest}`;
  const theirs = (query, stepS, fromMs = startMs) =>
    `/api/v1/query_range?nocache=1&start=${fromMs / 1000}&end=${dayEndMs / 1000}&step=${stepS}s&query=${encodeURIComponent(query)}`;
  const exported = (match, fromMs, toMs) => `/api/v1/export?start=${fromMs / 1000}&end=${toMs / 1000}&match[]=${encodeURIComponent(match)}`;
  const pages = Math.ceil((agents * 289) / ROWS);
  const list = `/api/v1/metrics?limit=${PAGE}&endTime=${new Date(dayEndMs).toISOString()}`;
  return [
    {
      name: 'one series, 5 min',
      ours: [aggregated(`${day}&interval=5m&agentId=${agentId}&metricName=${METRIC}&tag=interface:eth0&groupBy=none`)],
      theirs: [theirs(`avg_over_time(${METRIC}{agent_id="${agentId}",interface="eth0"}[5m])`, 300)],
    },
    {
      name: `one metric over all agents (${agents * 5} series), one line, 5 min`,
      ours: [aggregated(`${day}&interval=5m&metricName=${METRIC}&groupBy=none`)],
      theirs: [theirs(`avg(avg_over_time(${METRIC}[5m]))`, 300)],
    },
    {
      name: `the same, one interface of each (${agents} series)`,
      ours: [aggregated(`${day}&interval=5m&metricName=${METRIC}&tag=interface:eth0&groupBy=none`)],
      theirs: [theirs(`avg(avg_over_time(${METRIC}{interface="eth0"}[5m]))`, 300)],
    },
    {
      name: `one metric by agent (${agents * 5} series), 5 min${pages > 1 ? `, all ${pages} pages` : ''}`,
      ours: Array.from({ length: pages }, (_, i) => aggregated(`${day}&interval=5m&metricName=${METRIC}&groupBy=agent`, i * ROWS)),
      theirs: [theirs(`avg by (agent_id)(avg_over_time(${METRIC}[5m]))`, 300)],
    },
    {
      name: '48 series of one agent, one hour, 1 min',
      ours: [aggregated(`${hour}&interval=1m&agentId=${agentId}&${NAMES_48.map((name) => `metricName=${name}`).join('&')}&groupBy=series`)],
      theirs: [theirs(`avg_over_time({__name__=~"${NAMES_48.join('|')}",agent_id="${agentId}"}[1m])`, 60, dayEndMs - HOUR_MS)],
    },
    {
      name: 'raw history of one series, a day',
      ours: [`/api/v1/metrics/history/${METRIC}?${day}&limit=${ROWS}&agentId=${agentId}&tag=interface:eth0`],
      theirs: [exported(`${METRIC}{agent_id="${agentId}",interface="eth0"}`, startMs, dayEndMs)],
    },
    { name: '`overview`, 24 h', ours: ['/api/v1/dashboard/overview?timeRange=24h'], theirs: null, aimMs: 15 },
    { name: '`realtime`', ours: ['/api/v1/metrics/realtime'], theirs: null, aimMs: 15 },
    {
      name: '`search` (rtt)',
      ours: ['/api/v1/metrics/search?q=rtt'],
      theirs: [
        `/api/v1/query?nocache=1&time=${dayEndMs / 1000}&query=${encodeURIComponent('sum by (__name__)(count_over_time({__name__=~"(?i).*rtt.*"}[1d]))')}`,
      ],
    },
    { name: '`names`', ours: ['/api/v1/metrics/names'], theirs: ['/api/v1/label/__name__/values'] },
    {
      name: `\`/metrics\`, page 1 of ${PAGE}`,
      ours: [list],
      theirs: page === null ? null : [exported('{__name__!=""}', page.first.fromMs, page.first.toMs)],
    },
    ...(page === null
      ? []
      : [
          {
            name: `\`/metrics\`, page ${page.number} by cursor`,
            ours: [`${list}&cursor=${page.cursor}`],
            theirs: [exported('{__name__!=""}', page.last.fromMs, page.last.toMs)],
          },
        ]),
  ];
}

/** Goes through `/metrics` page by page. Answers the cursor of the last one, and the times that the first and the last cover. */
export async function walkPages(client, dayEndMs, number) {
  const list = `/api/v1/metrics?limit=${PAGE}&endTime=${new Date(dayEndMs).toISOString()}`;
  let cursor = '';
  let first = null;
  const startMs = performance.now();
  for (let page = 1; ; page += 1) {
    const { metrics, pagination } = JSON.parse(await client.get(cursor === '' ? list : `${list}&cursor=${cursor}`));
    if (metrics.length !== PAGE) throw new Error(`page ${page} has ${metrics.length} rows`);
    const covered = { fromMs: Date.parse(metrics.at(-1).timestamp), toMs: Date.parse(metrics[0].timestamp) };
    first ??= covered;
    if (page === number) return { number, cursor, first, last: covered, seconds: (performance.now() - startMs) / 1000 };
    cursor = pagination.cursor;
  }
}

/** Times of `runs` answers, the first few thrown away. */
export async function warm(client, paths, runs) {
  for (let i = 0; i < WARM_UP; i += 1) await ask(client, paths);
  return measured(runs, () => ask(client, paths));
}

/** Each time of a process that was just started and was asked nothing else. `start` answers `{client, stop}`. */
export async function cold(start, paths, runs) {
  return measured(runs, async () => {
    const server = await start();
    try {
      return await ask(server.client, paths);
    } finally {
      await server.stop();
    }
  });
}

async function measured(runs, once) {
  const times = new Float64Array(runs);
  let bytes = 0;
  for (let i = 0; i < runs; i += 1) {
    const answer = await once();
    times[i] = answer.ms;
    bytes = answer.bytes;
  }
  return { ...percentiles(times), bytes };
}

async function ask(client, paths) {
  let bytes = 0;
  const startMs = performance.now();
  for (const path of paths) bytes += (await client.get(path)).length;
  return { ms: performance.now() - startMs, bytes };
}

/**
 * Whether the two hold the same: the raw history of one series. Answers how many samples are equal to the last bit and how
 * many at least to nine digits.
 */
export async function compareHistories(ours, theirs, question) {
  const mine = JSON.parse(await ours.get(question.ours[0])).history.map(({ timestamp, value }) => [Date.parse(timestamp), value]);
  const their = new Map();
  for (const line of (await theirs.get(question.theirs[0])).trim().split('\n')) {
    const { timestamps, values } = JSON.parse(line);
    for (const [i, time] of timestamps.entries()) their.set(time, values[i]);
  }
  // Their end belongs to the range, ours does not.
  let same = 0;
  let close = 0;
  for (const [time, value] of mine) {
    const other = their.get(time);
    if (other === value) same += 1;
    if (other !== undefined && Math.abs(other - value) <= Math.abs(value) * 1e-9) close += 1;
  }
  return { samples: mine.length, same, close, theirs: their.size };
}
