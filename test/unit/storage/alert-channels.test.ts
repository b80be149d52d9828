/** Silences, channels and deliveries in real storage: every method of their stores. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Channel, Delivery, NewDelivery, SilenceFields } from '../../../src/model/alert.js';
import type { AlertStores } from '../../../src/storage/ports/alerts.js';
import { channelFields, deliveryOf, groupOf, loggedOf, NO_IDS, T, waitingOf } from '../../helpers/alert-fixtures.js';
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

const channel = async (name: string): Promise<Channel> => (await stores.channels.create(channelFields(name), T))!;
const finished = { status: 'delivered', finishedAtMs: T } as const;

describe('silences', () => {
  const fields: SilenceFields = {
    matchers: [{ label: 'agent', value: '(', isRegex: false, isEqual: true }],
    startsAtMs: T,
    endsAtMs: T + 1,
    recurrence: null,
    author: "o'brien",
    comment: '',
  };
  const recurring: SilenceFields = { ...fields, endsAtMs: null, recurrence: { cron: '0 3 * * 0', durationMs: 5, timeZone: 'UTC' } };

  test('are made, changed and removed, and there after a restart', async () => {
    const once = await stores.silences.create(fields, T);
    const often = await stores.silences.create(recurring, T);
    expect([once, often]).toEqual([
      { ...fields, id: expect.any(String), createdAtMs: T, updatedAtMs: T },
      { ...recurring, id: expect.any(String), createdAtMs: T, updatedAtMs: T },
    ]);
    await restart();
    expect(await stores.silences.all()).toEqual([once, often]);
    const changed = await stores.silences.update(once.id, { ...recurring, comment: 'more' }, T + 7);
    expect(changed).toEqual({ ...recurring, comment: 'more', id: once.id, createdAtMs: T, updatedAtMs: T + 7 });
    expect(await stores.silences.remove(often.id)).toBe(true);
    expect(await stores.silences.remove(often.id)).toBe(false);
    expect(await stores.silences.update(often.id, fields, T)).toBeNull();
    expect(await stores.silences.all()).toEqual([changed]);
    for (const id of NO_IDS)
      expect([id, await stores.silences.remove(id), await stores.silences.update(id, fields, T)]).toEqual([id, false, null]);
  });
});

describe('channels', () => {
  test('are made and changed, with names of their own, and there after a restart', async () => {
    const first = (await stores.channels.create(channelFields('one'), T))!;
    expect(first).toEqual({ ...channelFields('one'), id: expect.any(String), isFromSettings: false, createdAtMs: T, updatedAtMs: T });
    const second = await channel('two');
    expect(await stores.channels.create(channelFields('one'), T)).toBeNull();
    expect(await stores.channels.update(second.id, channelFields('one'), T)).toBe('name_taken');
    const fields = channelFields('two', { type: 'email', settings: {}, matchers: [], groupBy: [], sendsResolved: false, enabled: false });
    const changed = await stores.channels.update(second.id, fields, T + 4);
    expect(changed).toEqual({ ...fields, id: second.id, isFromSettings: false, createdAtMs: T, updatedAtMs: T + 4 });
    await restart();
    expect(await stores.channels.all()).toEqual([first, changed]);
    for (const id of NO_IDS)
      expect([id, await stores.channels.remove(id), await stores.channels.update(id, fields, T)]).toEqual([id, false, 'not_found']);
  });

  test('one that is removed takes its groups and deliveries with it, and nobody else’s', async () => {
    const gone = await channel('gone');
    const stays = await channel('stays');
    const group = groupOf(stays.id);
    const delivery = deliveryOf(stays.id);
    await stores.deliveries.enqueue([groupOf(gone.id), group], [deliveryOf(gone.id), delivery, deliveryOf(gone.id, finished)]);
    expect(await stores.channels.remove(gone.id)).toBe(true);
    expect(await stores.channels.remove(gone.id)).toBe(false);
    expect(await stores.channels.all()).toEqual([stays]);
    expect(await stores.deliveries.groups()).toEqual([group]);
    expect(await stores.deliveries.log({ limit: 10 })).toEqual([loggedOf(delivery)]);
  });

  test('the one of the configuration is made, changed, left alone and removed with it', async () => {
    const fields = channelFields('settings');
    await stores.channels.fromSettings('settings', fields, T);
    const [made] = await stores.channels.all();
    expect(made).toEqual({ ...fields, id: expect.any(String), isFromSettings: true, createdAtMs: T, updatedAtMs: T });
    await stores.channels.fromSettings('settings', fields, T + 1);
    expect(await stores.channels.all()).toEqual([made]);
    await stores.deliveries.enqueue([], [deliveryOf(made!.id)]);
    await stores.channels.fromSettings('settings', { ...fields, groupWaitMs: 1 }, T + 2);
    expect(await stores.channels.all()).toEqual([{ ...made, groupWaitMs: 1, updatedAtMs: T + 2 }]);
    expect(await stores.deliveries.waiting(9)).toHaveLength(1);
    await stores.channels.fromSettings('settings', null, T + 3);
    await stores.channels.fromSettings('never', null, T + 3);
    expect(await stores.channels.all()).toEqual([]);
  });

  test('the one of the configuration takes its name also when the other name somebody has already', async () => {
    const own = await channel('webhook');
    const others = [await channel(`webhook (${own.id})`), await channel(`webhook (${own.id}) (2)`)];
    await stores.channels.fromSettings('webhook', channelFields('webhook'), T + 1);
    const names = (await stores.channels.all()).map(({ name }) => name);
    expect(names).toEqual([`webhook (${own.id}) (3)`, ...others.map(({ name }) => name), 'webhook']);
  });

  test('the one of the configuration takes its name from a channel that somebody made, and nothing else', async () => {
    const own = await channel('webhook');
    await stores.deliveries.enqueue([groupOf(own.id)], []);
    await stores.channels.fromSettings('webhook', channelFields('webhook', { settings: {} }), T + 1);
    expect(await stores.channels.all()).toEqual([
      { ...own, name: `webhook (${own.id})`, updatedAtMs: T + 1 },
      expect.objectContaining({ name: 'webhook', settings: {}, isFromSettings: true }),
    ]);
    expect(await stores.deliveries.groups()).toEqual([groupOf(own.id)]);
    await stores.channels.fromSettings(`webhook (${own.id})`, null, T + 2);
    expect(await stores.channels.all()).toHaveLength(2);
  });
});

describe('deliveries', () => {
  test('groups and deliveries are there after a restart, in the order they were made', async () => {
    const { id } = await channel('c');
    const groups = [groupOf(id, { groupKey: 'a' }), groupOf(id, { groupKey: 'b', lastToldAtMs: null })];
    const late = deliveryOf(id, { nextAttemptAtMs: T + 9 });
    const soon = deliveryOf(id, { nextAttemptAtMs: T + 1 });
    // The clock was put back before this one was made.
    const last = deliveryOf(id, { nextAttemptAtMs: T - 9, createdAtMs: T - 9 });
    await stores.deliveries.enqueue(groups, [late, soon, deliveryOf(id, finished), last]);
    await restart();
    expect(await stores.deliveries.groups()).toEqual(groups);
    expect(await stores.deliveries.waiting(10)).toEqual([late, soon, last].map(waitingOf));
    expect(await stores.deliveries.waiting(2)).toEqual([late, soon].map(waitingOf));
  });

  test('what one tells is there while it waits, and then only of how many alerts that was', async () => {
    const { id } = await channel('c');
    const alerts = ['firing', 'firing', 'resolved'].map((status) => ({ status, labels: { '"status"': '"resolved"' } }));
    const [bad, mixed, odd, damaged] = [
      deliveryOf(id, { payloadJson: JSON.stringify({ alerts: alerts.slice(0, 2) }) }),
      deliveryOf(id, { payloadJson: JSON.stringify({ alerts }), tellsResolved: true }),
      deliveryOf(id, { payloadJson: '{}' }),
      deliveryOf(id, { payloadJson: 'no JSON {' }),
    ] as const;
    await stores.deliveries.enqueue([], [bad, mixed, odd, damaged]);
    expect(await stores.deliveries.waiting(9)).toEqual([bad, mixed, odd, damaged].map(waitingOf));
    for (const { id: key, payloadJson } of [bad, mixed, odd, damaged]) expect(await stores.deliveries.payload(key)).toBe(payloadJson);
    const done = (delivery: NewDelivery): Delivery => ({ ...delivery, status: 'delivered', finishedAtMs: T });
    for (const delivery of [bad, mixed, odd, damaged, mixed]) await stores.deliveries.record(done(delivery));
    for (const key of [bad.id, 'nobody']) expect(await stores.deliveries.payload(key)).toBeNull();
    expect((await stores.deliveries.log({ limit: 9 })).map((delivery) => delivery.alerts)).toEqual([0, 0, 3, 2]);
    const db = new Database(join(store.dir, 'test.db'), { readonly: true });
    expect(db.prepare('SELECT payload FROM alert_deliveries ORDER BY delivery_key').pluck().all()).toEqual(['2', '3', '0', '0']);
    db.close();
  });

  test('a group is replaced, and forgotten when nothing is told as firing any more', async () => {
    const { id } = await channel('c');
    await stores.deliveries.enqueue([groupOf(id), groupOf(id, { groupKey: 'other' })], []);
    const next = groupOf(id, { toldFiring: ['z'], firstSeenAtMs: T + 1, lastToldAtMs: T + 2 });
    await stores.deliveries.enqueue([next, groupOf(id, { groupKey: 'other', toldFiring: [] })], [deliveryOf(id)]);
    expect(await stores.deliveries.groups()).toEqual([next]);
  });

  test('a delivery that cannot be written takes back the groups and the other deliveries', async () => {
    const { id } = await channel('c');
    const before = groupOf(id);
    const first = deliveryOf(id);
    await stores.deliveries.enqueue([before], [first]);
    const changed = [groupOf(id, { toldFiring: [] }), groupOf(id, { groupKey: 'new' })];
    await expect(stores.deliveries.enqueue(changed, [deliveryOf(id), { ...first, groupKey: 'again' }])).rejects.toThrow(/UNIQUE/);
    expect(await stores.deliveries.groups()).toEqual([before]);
    expect(await stores.deliveries.log({ limit: 10 })).toEqual([loggedOf(first)]);
  });

  test('what is for a channel that is gone is left out, and the rest is not', async () => {
    const { id } = await channel('c');
    const delivery = deliveryOf(id);
    await stores.deliveries.enqueue([groupOf('99'), groupOf(id), groupOf('?')], [deliveryOf('99'), delivery, deliveryOf('?')]);
    expect(await stores.deliveries.groups()).toEqual([groupOf(id)]);
    expect(await stores.deliveries.log({ limit: 10 })).toEqual([loggedOf(delivery)]);
  });

  test('what became of an attempt is recorded, and shows in the log, newest first', async () => {
    const [one, two] = [await channel('one'), await channel('two')];
    const deliveries = [one, two, one, one].map(({ id }, i) => deliveryOf(id, { createdAtMs: T - i }));
    await stores.deliveries.enqueue([], deliveries);
    const [a, b, c, d] = deliveries as [NewDelivery, NewDelivery, NewDelivery, NewDelivery];
    const retried: NewDelivery = { ...a, attempts: 1, nextAttemptAtMs: T + 60_000, lastError: 'HTTP 503' };
    const failed: NewDelivery = { ...c, status: 'failed', attempts: 9, finishedAtMs: T + 1, lastError: 'HTTP 400' };
    const done: NewDelivery = { ...d, status: 'delivered', attempts: 1, finishedAtMs: T + 1 };
    for (const delivery of [retried, failed, done]) await stores.deliveries.record(delivery);
    expect(await stores.deliveries.waiting(10)).toEqual([retried, b].map(waitingOf));
    expect(await stores.deliveries.log({ limit: 10 })).toEqual([done, failed, b, retried].map(loggedOf));
    expect(await stores.deliveries.log({ channelId: one.id, limit: 2 })).toEqual([done, failed].map(loggedOf));
    expect(await stores.deliveries.log({ channelId: 'x', limit: 2 })).toEqual([]);
    await stores.channels.remove(one.id);
    await stores.deliveries.record(done);
    expect(await stores.deliveries.log({ limit: 10 })).toEqual([loggedOf(b)]);
  });

  test('old ones and those beyond the newest of their channel go, in slices; waiting ones stay', async () => {
    const [busy, quiet] = [await channel('busy'), await channel('quiet')];
    const of = (id: string, count: number, from: number): NewDelivery[] =>
      Array.from({ length: count }, (_, i) => deliveryOf(id, { status: 'failed', finishedAtMs: from + i, createdAtMs: from + i }));
    const waiting = deliveryOf(busy.id);
    await stores.deliveries.enqueue([], [waiting, ...of(busy.id, 2_500, T), ...of(quiet.id, 20, T)]);
    const left = async (id: string) =>
      (await stores.deliveries.log({ channelId: id, limit: 10_000 })).map(({ createdAtMs }) => createdAtMs - T);
    // Ten of each are too old; of the busy channel's, a hundred stay.
    const purges: number[] = [];
    do purges.push(await stores.deliveries.purge(T + 10, 100));
    while (purges.at(-1)! > 0);
    expect(purges).toEqual([1_000, 1_000, 410, 0]);
    expect(await left(busy.id)).toEqual([...Array.from({ length: 100 }, (_, i) => 2_499 - i), 0]);
    expect(await left(quiet.id)).toEqual(Array.from({ length: 10 }, (_, i) => 19 - i));
    expect(await stores.deliveries.waiting(10)).toEqual([waitingOf(waiting)]);
    expect(await stores.deliveries.purge(0, 0)).toBe(110);
    expect(await stores.deliveries.log({ limit: 10 })).toEqual([loggedOf(waiting)]);
  });
});
