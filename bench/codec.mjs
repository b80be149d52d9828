/**
 * What the unit format costs and how fast it is, on one core: `npm run bench:codec [agents]`. No server, no database.
 *
 * The samples are those of the simulated fleet (fleet.ts) at a 30 s interval: a day of agents with 100 series each.
 */
import { UnitEncoder } from '../dist/storage/engine/unit-encoder.js';
import { cutIntoParts, partsInMemory } from '../dist/storage/engine/unit-parts.js';
import { UnitReader } from '../dist/storage/engine/unit-reader.js';

const DAY_MS = 86_400_000;
const INTERVAL_MS = 30_000;
const ROWS = DAY_MS / INTERVAL_MS;
const START_MS = 1_795_305_600_000;
const BUCKET_MS = 300_000;
const INTERFACES = 5;
const TARGETS = 8;
const ROUNDS = 7;
const ROUND_US = 300_000;

/** Every agent's draws are its own and the same on every run (mulberry32, as in fleet.ts). */
function randomOf(seed) {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function dayOf(agent) {
  const random = randomOf(agent);
  const times = Array.from({ length: 1 + TARGETS }, () => new Float64Array(ROWS));
  const values = Array.from({ length: INTERFACES * 12 + TARGETS * 5 }, () => new Float64Array(ROWS));
  const phaseMs = random() * INTERVAL_MS * 0.9;
  const counters = new Float64Array(INTERFACES * 4);
  const meanRates = new Float64Array(INTERFACES * 4);
  for (let i = 0; i < counters.length; i += 1) {
    const isBytes = i % 4 < 2;
    meanRates[i] = (isBytes ? 200_000 : 300) * 10 ** (random() * 2 - 1);
    counters[i] = Math.floor(random() * (isBytes ? 2e12 : 3e9));
  }
  const baseRttMs = Array.from({ length: TARGETS }, () => 0.3 + random() * 30);
  for (let row = 0; row < ROWS; row += 1) {
    const cycleMs = START_MS + phaseMs + row * INTERVAL_MS + random() * 0.9;
    const elapsedSeconds = (INTERVAL_MS + (random() - 0.5) * 2) / 1000 + random() * 1e-7;
    let column = 0;
    const put = (value) => {
      values[column++][row] = value;
    };
    times[0][row] = Math.floor(cycleMs);
    for (let nic = 0; nic < INTERFACES; nic += 1) {
      for (let i = nic * 4; i < nic * 4 + 4; i += 1) {
        const delta = Math.floor(meanRates[i] * elapsedSeconds * (0.5 + random()));
        counters[i] += delta;
        put(delta / elapsedSeconds);
      }
      for (let i = 0; i < 4; i += 1) put(random() < 0.002 ? 1 / elapsedSeconds : 0);
      for (let i = nic * 4; i < nic * 4 + 4; i += 1) put(counters[i]);
    }
    let pingMs = cycleMs;
    for (const [target, baseMs] of baseRttMs.entries()) {
      pingMs += 0.05 + random() * 0.4;
      times[1 + target][row] = Math.floor(pingMs);
      const minMs = baseMs * (1 + random() * 0.1);
      const avgMs = minMs * (1 + random() * 0.2);
      const maxMs = avgMs * (1 + random() * 0.3);
      put(1);
      for (const rttMs of [avgMs, minMs, maxMs]) put(Math.round(rttMs * 1000) / 1000);
      put(0);
    }
  }
  return values.map((column, i) => ({
    seriesId: 1 + agent * values.length + i,
    isCounter: i < INTERFACES * 12 && i % 12 >= 8,
    timestampsMs: i < INTERFACES * 12 ? times[0] : times[1 + Math.floor((i - INTERFACES * 12) / 5)],
    values: column,
    objectValues: null,
  }));
}

/** The median of some rounds, in million samples a second of CPU time (that of the garbage collector included). */
function speed(samples, work) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    let done = 0;
    let usedUs = 0;
    do {
      work();
      done += samples;
      const { user, system } = process.cpuUsage(before);
      usedUs = user + system;
    } while (usedUs < ROUND_US);
    rounds.push(done / usedUs);
  }
  return `${(rounds.sort((a, b) => a - b)[ROUNDS >> 1]).toFixed(0)} M samples/s`;
}

/** Mean per 5 minutes of a column: what a graph asks for. */
function bucketMeans(timesMs, values, sums, counts) {
  sums.fill(0);
  counts.fill(0);
  for (let i = 0; i < values.length; i += 1) {
    const bucket = Math.floor((timesMs[i] - START_MS) / BUCKET_MS);
    sums[bucket] += values[i];
    counts[bucket] += 1;
  }
}

function main() {
  const agents = Number(process.argv[2] ?? 8);
  const fleet = Array.from({ length: agents }, (_, agent) => dayOf(agent));
  const window = { startMs: START_MS, endMs: START_MS + DAY_MS };
  const samples = fleet.reduce((sum, columns) => sum + columns.length * ROWS, 0);
  const encoder = new UnitEncoder();
  const stored = fleet.map((columns) => cutIntoParts(encoder.encode(window, columns)));
  const readers = () => stored.map((parts) => new UnitReader(partsInMemory(parts)));

  const bytes = { directory: 0, times: 0, divisors: 0, values: 0, parts: 0 };
  const kinds = new Map();
  for (const [agent, reader] of readers().entries()) {
    const { directory } = reader;
    bytes.directory += directory.byteLength;
    for (const { range } of directory.times) bytes.times += range.end - range.start;
    for (const { range } of directory.divisors) bytes.divisors += range.end - range.start;
    for (const [i, entry] of directory.columns.entries()) {
      const size = entry.values.end - entry.values.start;
      bytes.values += size;
      const name = kindOf(i, entry.quotient !== null);
      const kind = kinds.get(name) ?? { bytes: 0, samples: 0 };
      kinds.set(name, { bytes: kind.bytes + size, samples: kind.samples + ROWS });
    }
    for (const part of stored[agent]) bytes.parts += part.length;
  }
  for (const [name, size] of Object.entries(bytes)) console.log(`${name.padEnd(28)} ${(size / samples).toFixed(4)} B a sample`);
  for (const [name, kind] of kinds) console.log(`  ${name.padEnd(26)} ${(kind.bytes / kind.samples).toFixed(4)} B each of its samples`);

  const buffer = new Float64Array(ROWS);
  const sums = new Float64Array(DAY_MS / BUCKET_MS);
  const counts = new Float64Array(DAY_MS / BUCKET_MS);
  console.log(`encode                       ${speed(samples, () => fleet.forEach((columns) => encoder.encode(window, columns)))}`);
  console.log(
    `decode                       ${speed(samples, () => readers().forEach((reader) => readAll(reader, buffer, () => undefined)))}`,
  );
  console.log(
    `decode and aggregate         ${speed(samples, () =>
      readers().forEach((reader) => readAll(reader, buffer, (times, values) => bucketMeans(times, values, sums, counts))),
    )}`,
  );
}

/** Every column, one after the other, through one buffer: as a query does that folds what it reads. */
function readAll(reader, buffer, use) {
  for (const [i, { timeIndex }] of reader.directory.columns.entries())
    use(reader.readTimes(timeIndex), buffer.subarray(0, reader.decodeInto(i, buffer)));
}

function kindOf(column, isQuotient) {
  if (column >= INTERFACES * 12) return (column - INTERFACES * 12) % 5 === 0 || column % 5 === 4 ? 'ping success, loss' : 'ping times';
  const metric = column % 12;
  const what = metric < 4 ? (isQuotient ? 'rates, by counter' : 'rates') : metric < 8 ? 'errors, drops' : 'counters';
  return metric % 4 < 2 || what === 'errors, drops' ? what : `${what} (packets)`;
}

main();
