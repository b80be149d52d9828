/**
 * Databases that earlier versions wrote (scripts/make-database-fixture.mjs) open, are brought up to date and answer every
 * sample bit for bit: as they are, and when all of it has been folded. What is expected was noted when it was sent.
 */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import type { SampleCursor } from '../../../src/storage/ports.js';
import { verifyDatabase } from '../../../src/storage/sqlite/check/verify.js';
import { MIGRATIONS } from '../../../src/storage/sqlite/migrations.js';
import { openForReading } from '../../../src/storage/sqlite/open.js';
import { projectRoot } from '../../helpers/project-root.js';
import { TestStorage } from '../../helpers/storage.js';

interface Expected {
  nowMs: number;
  agents: string[];
  config: { agentId: string; config: object };
  target: { id: string };
  /** Missing where a schema had none; ascending. */
  gaps?: { agentId: string; reason: string; fromMs: number; toMs: number; lost: number }[];
  /** Missing where a schema had none. */
  alerting?: Record<'rules' | 'silences' | 'channels' | 'active' | 'history' | 'groups' | 'deliveries', object[]>;
  series: {
    agentId: string;
    name: string;
    type: string;
    unit: string | null;
    tags: object;
    samples: [number, number | string, string?][];
  }[];
}

const folder = join(projectRoot, 'test/fixtures/databases');
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.db'))
  .map((name) => name.slice(0, -'.db'.length));
const PAGE = 500;
const NOTHING_OF_ALERTING = { rules: [], silences: [], channels: [], active: [], history: [], groups: [], deliveries: [] };

let dir: string | null = null;
let store: TestStorage | null = null;
afterEach(async () => {
  await store?.stop();
  if (dir !== null) rmSync(dir, { recursive: true });
  store = dir = null;
});

/** The bits, so that −0 and 0 are two; what an object value was, beside it. */
const sampleText = (timeMs: number, value: number, json: string | undefined): string => {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  return `${timeMs} ${bits.getBigUint64(0).toString(16)} ${json ?? ''}`;
};

function expectedSamples({ series }: Expected): Record<string, string[]> {
  return Object.fromEntries(
    series.map(({ agentId, name, type, unit, tags, samples }) => [
      JSON.stringify([agentId, name, type, unit, tags]),
      samples.map(([timeMs, value, json]) => sampleText(timeMs, Number(value), json)),
    ]),
  );
}

async function storedSamples({ storage }: TestStorage): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (let after: SampleCursor | null = null; ; ) {
    const more: { after?: SampleCursor } = after === null ? {} : { after };
    const rows = await storage.reader.samples({ filter: {}, range: {}, order: 'oldest', limit: PAGE, offset: 0, ...more });
    const jsonOf = new Map(rows.objectValues.map(({ row, json }) => [row, json]));
    for (const [row, timeMs] of rows.timestampsMs.entries()) {
      const { agentId, name, type, unit, tagsJson, id } = rows.series[rows.seriesIndex[row]!]!;
      const key = JSON.stringify([agentId, name, type, unit, JSON.parse(tagsJson)]);
      (found[key] ??= []).push(sampleText(timeMs, rows.values[row]!, jsonOf.get(row)));
      after = { timestampMs: timeMs, seriesId: id };
    }
    if (!rows.hasMore) return found;
  }
}

test('there is a database of every schema so far, the present one included', () => {
  expect(fixtures).toEqual(expect.arrayContaining(MIGRATIONS.map((_, i) => `schema-${i + 1}`)));
});

test('since when an agent has run its configuration is known where it was the last one it tried', async () => {
  dir = mkdtempSync(join(tmpdir(), 'ccv-upgrade-'));
  const path = join(dir, 'old.db');
  copyFileSync(join(folder, 'schema-2.db'), path);
  const old = new Database(path);
  const insert = old.prepare(
    `INSERT INTO agent_configs (agent_key, version, attempted_version, attempt_status, attempted_at_ms, effective_version, created_at_ms,
       updated_at_ms) VALUES (?, 9, ?, ?, 1234, ?, 1, 1)`,
  );
  insert.run(101, 3, 'applied', 3);
  insert.run(102, 4, 'failed', 3);
  insert.run(103, null, null, null);
  old.close();
  store = await TestStorage.start({ path });
  const db = openForReading(path);
  const since = db.prepare('SELECT effective_at_ms FROM agent_configs WHERE agent_key > 100 ORDER BY agent_key').pluck().all();
  db.close();
  expect(since).toEqual([1_234, null, null]);
});

describe.each(fixtures)('%s', (name) => {
  test('opens and answers everything that was sent, before and after all of it is folded', async () => {
    const expected = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Expected;
    const samples = expectedSamples(expected);
    dir = mkdtempSync(join(tmpdir(), 'ccv-upgrade-'));
    const path = join(dir, 'old.db');
    copyFileSync(join(folder, `${name}.db`), path);
    store = await TestStorage.start({ path });

    expect(await storedSamples(store)).toEqual(samples);
    const agents = await store.storage.agents.all();
    expect(agents.map(({ id }) => id).sort()).toEqual([...expected.agents].sort());
    const configured = agents.find(({ id }) => id === expected.config.agentId);
    expect(await store.storage.configs.get(configured?.agentKey ?? 0)).toMatchObject({ config: expected.config.config });
    expect(await store.storage.targets.all()).toEqual([expect.objectContaining(expected.target)]);
    const gaps = await store.storage.gaps.within({ agentKeys: null, range: { startMs: 0, endMs: expected.nowMs }, limit: 100 });
    const named = gaps.map(({ agentKey, ...gap }) => ({ agentId: agents.find((agent) => agent.agentKey === agentKey)?.id, ...gap }));
    expect(named.sort((a, b) => a.fromMs - b.fromMs)).toEqual(expected.gaps ?? []);
    expect(new Set(store.storage.gaps.agents)).toEqual(new Set(gaps.map(({ agentKey }) => agentKey)));

    const { rules, alerts, silences, channels, deliveries } = store.storage.alerts;
    expect({
      rules: await rules.all(),
      silences: await silences.all(),
      channels: await channels.all(),
      active: await alerts.active(),
      history: (await alerts.history({ limit: 100, offset: 0 })).alerts,
      groups: await deliveries.groups(),
      deliveries: await Promise.all(
        (await deliveries.waiting(100)).map(async (waiting) => {
          const { tellsResolved: _, ...delivery } = waiting;
          return { ...delivery, payloadJson: await deliveries.payload(delivery.id) };
        }),
      ),
    }).toEqual(expected.alerting ?? NOTHING_OF_ALERTING);
    // Default rules are for databases that never had any.
    expect(await rules.createDefaults([], expected.nowMs)).toBe(expected.alerting === undefined);

    // Only what is due, then everything; and what the deleted agent left behind goes.
    await store.foldAt(expected.nowMs);
    expect(await storedSamples(store)).toEqual(samples);
    while (await store.storage.agents.eraseDeleted());
    await store.storage.compact(true);
    await store.restart();
    expect(await storedSamples(store)).toEqual(samples);

    const report = verifyDatabase(path, () => {});
    expect(report.problems).toEqual([]);
    expect(report.logRows).toBe(0);
    expect(report.unitSamples).toBe(Object.values(samples).flat().length);
    const db = openForReading(path);
    expect(db.prepare('SELECT count(*) FROM units WHERE agent_key NOT IN (SELECT agent_key FROM agents)').pluck().get()).toBe(0);
    db.close();
  });
});
