/** Rules and alerts in real storage: every method of their stores, and that none of them reads more than it has to. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Alert, AlertRule, AlertRuleFields } from '../../../src/model/alert.js';
import type { AlertHistoryQuery, AlertStores } from '../../../src/storage/ports/alerts.js';
import { historyStatements } from '../../../src/storage/sqlite/rows/alerts/alert-rows.js';
import { alertOf, NO_IDS, resolvedAt, ruleFields, T } from '../../helpers/alert-fixtures.js';
import { TestStorage } from '../../helpers/storage.js';

let store: TestStorage;
let stores: AlertStores;
beforeEach(async () => {
  store = await TestStorage.start();
  stores = store.storage.alerts;
});
afterEach(() => store.stop());

async function restart(): Promise<void> {
  await store.restart();
  stores = store.storage.alerts;
}

/** A look at the file beside the server. */
function look<T>(ask: (db: Database.Database) => T): T {
  const db = new Database(store.settings.path, { readonly: true });
  try {
    return ask(db);
  } finally {
    db.close();
  }
}

/** How SQLite goes about a statement. */
const planOf = (db: Database.Database, sql: string, parameters: object = {}): string =>
  (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(parameters) as { detail: string }[]).map(({ detail }) => detail).join('\n');

describe('rules', () => {
  const kinds: Record<string, Partial<AlertRuleFields>> = {
    'a metric': {},
    'a metric, with everything': {
      subject: {
        kind: 'metric',
        metricName: 'disk "used"',
        aggregation: 'rate',
        windowMs: 60_000,
        condition: 'ne',
        threshold: -1e-9,
        recoveryThreshold: 0,
        by: ['agent', 'region', 'mount'],
        noData: 'alert',
      },
      filter: { agentIds: ["o'brien"], providers: [''], regions: ['eu'], tags: [{ key: 'k', value: 'v' }] },
      severity: 'critical',
      keepFiringForMs: 1,
      labels: { team: 'netz' },
      annotations: { summary: '{{ value }} %' },
      enabled: false,
    },
    'one group': { subject: { ...(ruleFields('').subject as object), by: [] } as unknown as AlertRuleFields['subject'] },
    'agents, the usual': { subject: { kind: 'agent', condition: 'disconnected', thresholdMs: null } },
    'agents, after a while': { subject: { kind: 'agent', condition: 'stale', thresholdMs: 600_000 } },
  };

  test('come back as they were, also after a restart', async () => {
    const rules: AlertRule[] = [];
    for (const [name, more] of Object.entries(kinds)) {
      const fields = ruleFields(name, more);
      const rule = await stores.rules.create(fields, T);
      expect(rule).toEqual({ ...fields, id: expect.any(String), isDefault: false, createdAtMs: T, updatedAtMs: T });
      rules.push(rule!);
    }
    await restart();
    expect(await stores.rules.all()).toEqual(rules);
  });

  test('change as a whole, and keep their id and when they were made', async () => {
    const rule = (await stores.rules.create(ruleFields('r'), T))!;
    const fields = ruleFields('s', kinds['agents, after a while']);
    const changed = await stores.rules.update(rule.id, fields, T + 5);
    expect(changed).toEqual({ ...fields, id: rule.id, isDefault: false, createdAtMs: T, updatedAtMs: T + 5 });
    expect(await stores.rules.all()).toEqual([changed]);
  });

  test('have names of their own: taken ones are refused, the own and freed ones are not', async () => {
    const first = (await stores.rules.create(ruleFields('one'), T))!;
    const second = (await stores.rules.create(ruleFields('two'), T))!;
    expect(await stores.rules.create(ruleFields('one', { forMs: 1 }), T)).toBeNull();
    expect(await stores.rules.update(second.id, ruleFields('one'), T)).toBe('name_taken');
    expect(await stores.rules.all()).toEqual([first, second]);
    expect(await stores.rules.create(ruleFields('One'), T)).not.toBeNull();
    expect(await stores.rules.update(second.id, ruleFields('two', { forMs: 2 }), T)).toMatchObject({ name: 'two', forMs: 2 });
    expect(await stores.rules.remove(first.id)).toBe(true);
    expect(await stores.rules.update(second.id, ruleFields('one'), T)).toMatchObject({ id: second.id, name: 'one' });
  });

  test('that change twice in a millisecond, or while the clock is set back, are newer each time', async () => {
    const { id } = (await stores.rules.create(ruleFields('r'), T))!;
    expect(await stores.rules.update(id, ruleFields('s'), T)).toMatchObject({ updatedAtMs: T + 1 });
    expect(await stores.rules.update(id, ruleFields('t'), T - 5)).toMatchObject({ updatedAtMs: T + 2 });
    expect(await stores.rules.update(id, ruleFields('u'), T + 9)).toMatchObject({ updatedAtMs: T + 9 });
  });

  test('keep nothing that is no field of a rule', async () => {
    const rule = (await stores.rules.create(ruleFields('r'), T))!;
    await stores.rules.remove(rule.id);
    const again = (await stores.rules.create({ ...rule, isDefault: true, createdAtMs: 1 } as AlertRule, T + 9))!;
    expect(again).toEqual({ ...rule, id: again.id, createdAtMs: T + 9, updatedAtMs: T + 9 });
  });

  test('that are gone leave their alerts behind, and their id to nobody', async () => {
    const rule = (await stores.rules.create(ruleFields('r'), T))!;
    const alert = alertOf({ ruleId: rule.id });
    await stores.alerts.save([alert]);
    expect(await stores.rules.remove(rule.id)).toBe(true);
    expect(await stores.rules.remove(rule.id)).toBe(false);
    expect(await stores.rules.update(rule.id, ruleFields('r'), T)).toBe('not_found');
    await restart();
    expect(await stores.alerts.active()).toEqual([alert]);
    expect((await stores.rules.create(ruleFields('r'), T))!.id).not.toBe(rule.id);
  });

  test('are not found by what is no id', async () => {
    await stores.rules.create(ruleFields('r'), T);
    for (const id of NO_IDS) {
      expect([id, await stores.rules.remove(id), await stores.rules.update(id, ruleFields('s'), T)]).toEqual([id, false, 'not_found']);
    }
  });

  test('the default ones are made once, also when they have been deleted since', async () => {
    const own = (await stores.rules.create(ruleFields('two', { forMs: 7 }), T))!;
    expect(await stores.rules.createDefaults([ruleFields('one'), ruleFields('two')], T)).toBe(true);
    const [, made] = await stores.rules.all();
    // Of that name there is one already.
    expect(await stores.rules.all()).toEqual([
      own,
      { ...ruleFields('one'), id: made!.id, isDefault: true, createdAtMs: T, updatedAtMs: T },
    ]);
    await stores.rules.remove(made!.id);
    await restart();
    expect(await stores.rules.createDefaults([ruleFields('one')], T)).toBe(false);
    expect(await stores.rules.all()).toEqual([own]);
  });

  test('are what the columns say to whoever reads the file', async () => {
    await stores.rules.create(ruleFields('r', { filter: { regions: ['eu'] } }), T);
    const columns = 'name, metric_name, condition, threshold, severity, enabled, agent_filter, tenant_id';
    const row = ['r', 'cpu', 'gte', 90.5, 'warning', 1, '{"regions":["eu"]}', 'default'];
    expect(look((db) => db.prepare(`SELECT ${columns} FROM alert_rules`).raw().get())).toEqual(row);
  });
});

describe('alerts', () => {
  test('are there after a restart while they are pending or firing', async () => {
    const alerts = [
      alertOf({ state: 'pending', firingSinceMs: null, value: null, agentId: null, labels: {} }),
      alertOf({ wellSinceMs: T + 90_000, acknowledgement: { by: 'me', comment: 'ß', atMs: T } }),
      resolvedAt(T + 2),
    ];
    await stores.alerts.save(alerts);
    await restart();
    expect(await stores.alerts.active()).toEqual(alerts.slice(0, 2));
  });

  test('are replaced, and forgotten when they are over without having fired', async () => {
    const pending = alertOf({ state: 'pending', firingSinceMs: null });
    const other = alertOf({ state: 'pending', firingSinceMs: null });
    await stores.alerts.save([pending, other]);
    const firing: Alert = { ...pending, state: 'firing', firingSinceMs: T + 5, value: 1, labels: { severity: 'info' }, updatedAtMs: T + 5 };
    await stores.alerts.save([firing, { ...other, state: 'resolved', resolvedAtMs: T + 5, resolvedReason: 'recovered' }]);
    expect(await stores.alerts.active()).toEqual([firing]);
    const resolved: Alert = { ...firing, state: 'resolved', resolvedAtMs: T + 9, resolvedReason: 'rule_changed' };
    await stores.alerts.save([resolved]);
    expect(await stores.alerts.active()).toEqual([]);
    expect(await stores.alerts.history({ limit: 10, offset: 0 })).toEqual({ alerts: [resolved], total: 1 });
    expect(look((db) => db.prepare('SELECT count(*) FROM alert_instances').pluck().get())).toBe(1);
  });

  test('are saved together or not at all', async () => {
    const good = alertOf();
    await expect(stores.alerts.save([good, alertOf({ state: 'odd' as 'firing' })])).rejects.toThrow(/CHECK/);
    expect(await stores.alerts.active()).toEqual([]);
  });

  test('an acknowledgement is not undone by a save of somebody who had not heard of it', async () => {
    const alert = alertOf();
    await stores.alerts.save([alert]);
    const acknowledgement = { by: 'ops', comment: 'on it', atMs: T + 3 };
    expect(await stores.alerts.acknowledge(alert.id, acknowledgement)).toBe(true);
    await stores.alerts.save([{ ...alert, value: 3 }]);
    expect(await stores.alerts.active()).toEqual([{ ...alert, value: 3, acknowledgement }]);
    expect(await stores.alerts.acknowledge(alert.id, null)).toBe(true);
    await stores.alerts.save([{ ...alert, acknowledgement }]);
    expect(await stores.alerts.active()).toEqual([alert]);
    expect(await stores.alerts.acknowledge('nobody', acknowledgement)).toBe(false);
  });

  test('one that is over is not acknowledged any more', async () => {
    const over = resolvedAt(T + 2);
    await stores.alerts.save([over]);
    expect(await stores.alerts.acknowledge(over.id, { by: 'ops', comment: '', atMs: T + 3 })).toBe(false);
    expect((await stores.alerts.history({ limit: 1, offset: 0 })).alerts).toEqual([over]);
  });

  test('the history goes in slices, and active ones stay', async () => {
    await stores.alerts.save([alertOf(), ...Array.from({ length: 1_500 }, (_, i) => resolvedAt(T + i))]);
    expect(await stores.alerts.purge(T + 1_200, 1_000_000)).toBe(1_000);
    expect(await stores.alerts.purge(T + 1_200, 1_000_000)).toBe(200);
    expect(await stores.alerts.purge(T + 1_200, 1_000_000)).toBe(0);
    expect((await stores.alerts.history({ limit: 1, offset: 0 })).total).toBe(300);
    expect((await stores.alerts.history({ limit: 1, offset: 299 })).alerts).toMatchObject([{ resolvedAtMs: T + 1_200 }]);
    expect(await stores.alerts.active()).toHaveLength(1);
    expect(await stores.alerts.purge(0, 300)).toBe(0);
    expect(await stores.alerts.purge(0, 100)).toBe(200);
    const { alerts, total } = await stores.alerts.history({ limit: 1, offset: 99 });
    expect([total, alerts[0]!.resolvedAtMs]).toEqual([100, T + 1_400]);
    expect(await stores.alerts.purge(0, 0)).toBe(100);
    expect(await stores.alerts.active()).toHaveLength(1);
  });
});

describe('the history', () => {
  type Query = Omit<AlertHistoryQuery, 'limit' | 'offset'>;
  const severities = ['info', 'warning', 'critical'];
  /** Every combination of three rules, three agents and three severities, and moments that some share. */
  const alerts = Array.from({ length: 81 }, (_, i) =>
    resolvedAt(T + Math.floor(i / 2) * 10, {
      ruleId: String((i % 3) + 1),
      agentId: i % 9 < 3 ? null : `agent-${Math.floor(i / 3) % 3}`,
      labels: { severity: severities[Math.floor(i / 9) % 3]! },
    }),
  );
  const newestFirst = alerts.map((alert, i) => ({ alert, i })).sort((a, b) => b.alert.resolvedAtMs! - a.alert.resolvedAtMs! || b.i - a.i);
  const queries: Query[] = [
    {},
    { ruleId: '2' },
    { agentId: 'agent-1' },
    { severity: 'critical' },
    { sinceMs: T + 100 },
    { untilMs: T + 100 },
    { ruleId: '1', agentId: 'agent-2', severity: 'info', sinceMs: T + 10, untilMs: T + 300 },
    { ruleId: 'none' },
    { agentId: "' OR 1=1 --" },
  ];

  /** What the port promises, by going through all of them. */
  const fitting = ({ ruleId, agentId, severity, sinceMs = 0, untilMs = Number.POSITIVE_INFINITY }: Query): Alert[] =>
    newestFirst
      .map(({ alert }) => alert)
      .filter((alert) => (ruleId ?? alert.ruleId) === alert.ruleId && (agentId ?? alert.agentId) === alert.agentId)
      .filter(({ labels }) => (severity ?? labels.severity) === labels.severity)
      .filter(({ resolvedAtMs }) => resolvedAtMs! >= sinceMs && resolvedAtMs! < untilMs);

  test('is what fits the filters, newest first, a page at a time', async () => {
    await stores.alerts.save(alerts);
    await stores.alerts.save([alertOf({ labels: { severity: 'critical' } })]);
    for (const query of queries) {
      const fits = fitting(query);
      const pages: Alert[][] = [];
      for (let offset = 0; offset === 0 || offset < fits.length; offset += 30) {
        const { alerts: page, total } = await stores.alerts.history({ ...query, limit: 30, offset });
        expect([query, total]).toEqual([query, fits.length]);
        expect(page.length).toBeLessThanOrEqual(30);
        pages.push(page);
      }
      expect([query, pages.flat()]).toEqual([query, fits]);
      expect(await stores.alerts.history({ ...query, limit: 30, offset: 1_000 })).toEqual({ alerts: [], total: fits.length });
    }
  });

  test('is read along an index that is in its order', () => {
    look((db) => {
      for (const query of queries) {
        const { sql, parameters } = historyStatements({ ...query, limit: 7, offset: 0 });
        for (const plan of [planOf(db, sql.page, { ...parameters, limit: 7, offset: 0 }), planOf(db, sql.total, parameters)]) {
          expect(plan).toMatch(
            /^SEARCH alert_instances USING (COVERING )?INDEX alert_instances_by_(end|rule|agent|severity) .*resolved_at_ms>/,
          );
          expect(plan).not.toContain('TEMP B-TREE');
        }
      }
    });
  });
});

test('what is active, waiting, or to be deleted is found by an index as well', () => {
  const plans = look((db) =>
    [
      "SELECT * FROM alert_instances WHERE tenant_id = 'default' AND resolved_at_ms IS NULL ORDER BY alert_key",
      'SELECT alert_key FROM alert_instances WHERE resolved_at_ms < 9 LIMIT 1000',
      'SELECT id FROM alert_deliveries INDEXED BY alert_deliveries_due WHERE finished_at_ms IS NULL ORDER BY delivery_key LIMIT 9',
      'SELECT delivery_key FROM alert_deliveries WHERE finished_at_ms < 9 LIMIT 9',
      'SELECT * FROM alert_deliveries WHERE channel_id = 1 ORDER BY delivery_key DESC LIMIT 9',
      'SELECT delivery_key FROM alert_deliveries WHERE channel_id = 1 AND delivery_key < 9 AND finished_at_ms IS NOT NULL LIMIT 9',
    ].map((sql) => planOf(db, sql)),
  );
  expect(plans).toEqual([
    expect.stringMatching(/^SEARCH alert_instances USING INDEX alert_instances_by_end [^\n]*$/),
    expect.stringMatching(/^SEARCH alert_instances USING COVERING INDEX alert_instances_by_end [^\n]*$/),
    expect.stringMatching(/^SCAN alert_deliveries USING INDEX alert_deliveries_due\nUSE TEMP B-TREE FOR ORDER BY$/),
    expect.stringMatching(/^SEARCH alert_deliveries USING COVERING INDEX alert_deliveries_by_end [^\n]*$/),
    expect.stringMatching(/^SEARCH alert_deliveries USING INDEX alert_deliveries_by_channel [^\n]*$/),
    expect.stringMatching(/^SEARCH alert_deliveries USING INDEX alert_deliveries_by_channel [^\n]*rowid<[^\n]*$/),
  ]);
});
