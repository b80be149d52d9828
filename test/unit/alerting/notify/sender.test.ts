import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Sender } from '../../../../src/alerting/notify/sender.js';
import { SsrfGuard } from '../../../../src/alerting/notify/ssrf-guard.js';
import type { Channel, Delivery, NewDelivery } from '../../../../src/model/alert.js';
import { channelOf } from '../../../helpers/alerts.js';
import { MemoryDeliveryStore } from '../../../helpers/memory-alert-stores.js';
import { MemoryLogger } from '../../../helpers/memory-logger.js';
import { type Receiver, startReceiver, status } from '../../../helpers/receiver.js';
import { startSmtpReceiver } from '../../../helpers/smtp-receiver.js';
import { urlOfNobody } from '../../../helpers/upstream.js';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

let receiver: Receiver;
let store: MemoryDeliveryStore;
let channels: Channel[];
let logger: MemoryLogger;
let nowMs: number;
/** By how much the wall clock was set otherwise since the start. */
let clockJumpMs: number;
let sender: Sender;
let outcomes: string[];

function startSender({ timeoutMs = 5_000, allowPrivate = true, stopGraceMs = 2_000 } = {}): Sender {
  return new Sender({
    deliveries: store,
    channels: () => channels,
    guard: new SsrfGuard(allowPrivate),
    mail: { smtpUrl: 'smtp://localhost:25', from: null },
    externalUrl: null,
    clock: { nowMs: () => nowMs + clockJumpMs },
    monotonic: () => nowMs,
    logger,
    random: () => 0,
    timeoutMs,
    stopGraceMs,
    onAttempt: (type, outcome) => outcomes.push(`${type} ${outcome}`),
  });
}

function delivery(id: string, fields: Partial<NewDelivery> = {}): NewDelivery {
  const alert = { id: 'a', status: 'firing', labels: { alertname: id }, annotations: {}, startsAtMs: 0, endsAtMs: null, value: 1 };
  const notification = { groupKey: '{}', groupLabels: {}, alerts: [alert], omittedAlerts: 0, stillFiring: 1 };
  return {
    id,
    channelId: 'channel-1',
    groupKey: '{}',
    status: 'waiting',
    payloadJson: JSON.stringify(notification),
    tellsResolved: false,
    attempts: 0,
    nextAttemptAtMs: nowMs,
    createdAtMs: nowMs,
    finishedAtMs: null,
    lastError: null,
    ...fields,
  };
}

async function enqueue(...deliveries: NewDelivery[]): Promise<void> {
  await store.enqueue([], deliveries);
  sender.take(deliveries);
}

const names = (): string[] => receiver.received.map(({ body }) => body.commonLabels.alertname);
const row = (id: string): Delivery | undefined => store.deliveries.get(id);

beforeEach(async () => {
  receiver = await startReceiver();
  store = new MemoryDeliveryStore();
  channels = [channelOf({ settings: { url: `${receiver.url}/hook/s3cret-path-of-hook?key=s3cret` } })];
  logger = new MemoryLogger();
  nowMs = 1_000 * HOUR;
  clockJumpMs = 0;
  outcomes = [];
  sender = startSender();
});

afterEach(async () => {
  receiver.stop();
  await sender.stop();
});

describe('Sender', () => {
  test('sends what waits in the order it was made, each under its own key', async () => {
    await enqueue(delivery('one'), delivery('two', { createdAtMs: nowMs + 1 }), delivery('three', { createdAtMs: nowMs + 2 }));
    await sender.run();
    expect(names()).toEqual(['one', 'two', 'three']);
    expect(receiver.received.map(({ headers }) => headers['idempotency-key'])).toEqual(['one', 'two', 'three']);
    expect(row('one')).toMatchObject({ status: 'delivered', attempts: 1, finishedAtMs: nowMs, lastError: null });
    expect(outcomes).toEqual(['webhook delivered', 'webhook delivered', 'webhook delivered']);
  });

  test('repeats with longer and longer pauses, what comes behind waits, and nothing overtakes', async () => {
    receiver.answer = status(503);
    await enqueue(delivery('one'), delivery('two'));
    const pauses: number[] = [];
    for (let i = 0; i < 10; i++) {
      await sender.run();
      const { nextAttemptAtMs } = row('one')!;
      pauses.push((nextAttemptAtMs - nowMs) / SECOND);
      nowMs = nextAttemptAtMs - 1;
      await sender.run();
      nowMs = nextAttemptAtMs;
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
    expect(names()).toEqual(Array.from({ length: 10 }, () => 'one'));
    expect(row('one')).toMatchObject({ attempts: 10, status: 'waiting', lastError: 'it answered 503' });
    receiver.answer = (res) => res.end();
    await sender.run();
    expect(names().slice(-2)).toEqual(['one', 'two']);
    expect(new Set(receiver.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  });

  test('gives up after a day', async () => {
    receiver.answer = status(500);
    await enqueue(delivery('one'));
    const startMs = nowMs;
    while (row('one')!.status === 'waiting') {
      await sender.run();
      nowMs = Math.max(nowMs, row('one')!.nextAttemptAtMs);
    }
    expect(row('one')).toMatchObject({ status: 'failed', lastError: 'given up after a day: it answered 500' });
    expect(nowMs - startMs).toBeGreaterThan(23 * HOUR);
    expect(nowMs - startMs).toBeLessThanOrEqual(24 * HOUR);
    expect(logger.of('warn')).toHaveLength(1);
  });

  test.each<[string, Receiver['answer'], number]>([
    ['seconds', status(429, { 'retry-after': '120' }), 2 * MINUTE],
    ['a date', status(503, { 'retry-after': new Date(1_000 * HOUR + 3 * MINUTE).toUTCString() }), 3 * MINUTE],
    ["Telegram's body", status(429, {}, '{"ok":false,"parameters":{"retry_after":35}}'), 35 * SECOND],
    ['less than our own pause', status(429, { 'retry-after': '1' }), 5 * SECOND],
    ['longer than an hour', status(429, { 'retry-after': '999999999' }), HOUR],
    ['nonsense', status(429, { 'retry-after': 'soon' }), 5 * SECOND],
  ])('waits as long as it is asked to: %s', async (_name, answer, pauseMs) => {
    receiver.answer = answer;
    await enqueue(delivery('one'));
    await sender.run();
    expect(row('one')!.nextAttemptAtMs - nowMs).toBe(pauseMs);
  });

  test.each([400, 413, 415, 422])('%p is about this body: it is final, and the next one gets its turn', async (code) => {
    receiver.answer = (res, { body }) =>
      body.commonLabels.alertname === 'one' ? res.writeHead(code).end('no s3cret such hook') : res.end();
    await enqueue(delivery('one'), delivery('two'));
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'failed', attempts: 1 });
    expect(row('one')!.lastError).toContain(`it answered ${code}`);
    expect(row('two')).toMatchObject({ status: 'delivered' });
  });

  test.each([301, 307, 401, 403, 404, 408, 410, 429, 500, 502])('%p is tried again', async (code) => {
    receiver.answer = status(code, { location: `${receiver.url}/elsewhere` });
    await enqueue(delivery('one'));
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'waiting', attempts: 1 });
    expect(receiver.received.map(({ path }) => path)).not.toContain('/elsewhere');
  });

  test('says in words why nobody could be reached', async () => {
    channels = [channelOf({ settings: { url: await urlOfNobody() } })];
    await enqueue(delivery('one'));
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'waiting', lastError: 'the connection was refused (ECONNREFUSED)' });
  });

  test('does not wait for an answer for ever, nor for its end', async () => {
    sender = startSender({ timeoutMs: 100 });
    receiver.answer = () => undefined;
    await enqueue(delivery('one'));
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'waiting', lastError: 'the connection timed out (ETIMEDOUT)' });
    receiver.answer = (res) => res.writeHead(200).write('and so on');
    nowMs = row('one')!.nextAttemptAtMs;
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'delivered' });
  });

  test('takes a change of protocol for an answer, and not for silence', async () => {
    receiver.answer = (res) => void res.socket?.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    await enqueue(delivery('one'));
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'waiting', lastError: 'it answered 101' });
  });

  test('does not read an answer without end', async () => {
    receiver.answer = (res) => {
      res.writeHead(400);
      const more = (): void => {
        while (!res.destroyed && res.write('x'.repeat(65_536)));
        if (!res.destroyed) res.once('drain', more);
      };
      more();
    };
    await enqueue(delivery('one'));
    await sender.run();
    expect(row('one')!.lastError!.length).toBeLessThanOrEqual(500);
  });

  test('keeps secrets out of the log of deliveries and of its own', async () => {
    receiver.answer = (res, { path }) => res.writeHead(404).end(`no hook ${path} here; your key s3cret and secret h%40sh h@sh are unknown`);
    channels = [channelOf({ settings: { url: `${receiver.url}/hook/s3cret-path-of-hook?key=s3cret`, secret: 'h@sh' } })];
    await enqueue(delivery('one'));
    await sender.run();
    const written = JSON.stringify([row('one')!.lastError, logger.entries]);
    expect(written).toContain('no hook');
    for (const secret of ['s3cret-path-of-hook', 'key=s3cret', 'h@sh', 'h%40sh']) expect(written).not.toContain(secret);
  });

  test('a mail that not everybody gets is delivered, and says who does not; it is not sent again', async () => {
    const mails = await startSmtpReceiver();
    mails.answers.set('RCPT TO:<two@example.org>', '550 no such user');
    channels = [
      channelOf({
        type: 'email',
        settings: { smtp_url: `smtp://127.0.0.1:${mails.port}`, from: 'a@example.org', to: ['one@example.org', 'two@example.org'] },
      }),
    ];
    await enqueue(delivery('one'));
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'delivered', attempts: 1, lastError: expect.stringContaining('not for two@example.org') });
    expect(logger.of('warn')).toHaveLength(1);
    expect(await sender.test(channels[0]!)).toMatchObject({ outcome: 'delivered', warning: expect.stringContaining('two@example.org') });
    mails.stop();
  });

  test("refuses the server's own network, and tries again: addresses of names change, and so may the channel", async () => {
    sender = startSender({ allowPrivate: false });
    await enqueue(delivery('one'));
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'waiting', lastError: expect.stringContaining("server's own network") });
    channels = [channelOf({ settings: { url: receiver.url.replace('127.0.0.1', 'localhost') } })];
    nowMs = row('one')!.nextAttemptAtMs;
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'waiting', attempts: 2, lastError: expect.stringContaining("server's own network") });
    expect(receiver.received).toEqual([]);
  });

  test('goes on after a restart with what was not delivered', async () => {
    receiver.answer = status(503);
    await enqueue(delivery('one'), delivery('two'));
    await sender.run();
    await sender.stop();
    receiver.answer = (res) => res.end();
    sender = startSender();
    await sender.run();
    expect(names()).toEqual(['one']);
    nowMs += 5 * SECOND;
    await sender.run();
    expect(names()).toEqual(['one', 'one', 'two']);
    expect(row('two')).toMatchObject({ status: 'delivered' });
  });

  test('what was under way at the stop is not lost, and does not keep the stop from ending', async () => {
    sender = startSender({ stopGraceMs: 10 });
    receiver.answer = () => undefined;
    await enqueue(delivery('one'));
    await receiver.next();
    await sender.stop();
    expect(row('one')).toMatchObject({ status: 'waiting', attempts: 0 });
  });

  test('what ends in time before the stop is recorded', async () => {
    let answer = (): void => undefined;
    receiver.answer = (res) => {
      answer = () => res.end();
    };
    await enqueue(delivery('one'), delivery('two'));
    await receiver.next();
    const stopped = sender.stop();
    answer();
    await stopped;
    expect([row('one')!.status, row('two')!.status]).toEqual(['delivered', 'waiting']);
    expect(names()).toEqual(['one']);
  });

  test('does not send again what could not be recorded', async () => {
    const record = store.record.bind(store);
    store.record = () => Promise.reject(new Error('disk full'));
    await enqueue(delivery('one'), delivery('two'));
    await sender.run();
    await sender.run();
    expect(names()).toEqual(['one']);
    store.record = record;
    await sender.run();
    expect(names()).toEqual(['one', 'two']);
    expect(row('one')).toMatchObject({ status: 'delivered' });
  });

  test('a channel that is down does not hold up the others', async () => {
    const other = await startReceiver();
    channels.push(channelOf({ id: 'channel-2', settings: { url: other.url } }));
    sender = startSender({ timeoutMs: 300 });
    receiver.answer = () => undefined;
    await enqueue(delivery('one'), delivery('two', { channelId: 'channel-2' }));
    await sender.run();
    expect(other.received).toHaveLength(1);
    other.stop();
  });

  test('what a receiver never takes holds up its own group, and no other', async () => {
    const refused = (id: string): boolean => id.startsWith('bad');
    receiver.answer = (res, { body }) => res.writeHead(refused(body.commonLabels.alertname) ? 500 : 200).end();
    await enqueue(delivery('bad'), delivery('later'), delivery('other', { groupKey: 'b' }), delivery('third', { groupKey: 'c' }));
    await sender.run();
    expect(names()).toEqual(['bad', 'other', 'third']);
    nowMs += 5 * SECOND;
    await enqueue(delivery('fourth', { groupKey: 'd' }));
    await sender.run();
    // What was tried least comes first.
    expect(names().slice(3)).toEqual(['fourth', 'bad']);
    await sender.stop();
    sender = startSender();
    await sender.run();
    expect(names()).toHaveLength(5);
    nowMs = row('bad')!.nextAttemptAtMs;
    receiver.answer = (res) => res.end();
    await sender.run();
    expect(names().slice(5)).toEqual(['bad', 'later']);
  });

  test('a channel that fails for every group is tried once a minute, not for all of them', async () => {
    const groups = Array.from({ length: 9 }, (_, i) => delivery(`d${i}`, { groupKey: `g${i}` }));
    receiver.answer = status(503);
    await enqueue(...groups);
    await sender.run();
    expect(names()).toEqual(['d0', 'd1', 'd2']);
    nowMs += MINUTE - 1;
    await sender.run();
    expect(names()).toHaveLength(3);
    nowMs += 1;
    await sender.run();
    expect(names().slice(3)).toEqual(['d3']);
    nowMs += MINUTE;
    receiver.answer = (res) => res.end();
    await sender.run();
    expect(names().slice(4).toSorted()).toEqual(groups.map(({ id }) => id));
  });

  test('all wait when the other side wants to be left alone', async () => {
    receiver.answer = status(429, { 'retry-after': '120' });
    await enqueue(delivery('one'), delivery('two', { groupKey: 'b' }));
    await sender.run();
    receiver.answer = (res) => res.end();
    nowMs += 2 * MINUTE - 1;
    await sender.run();
    expect(names()).toEqual(['one']);
    nowMs += 1;
    await sender.run();
    expect(names()).toEqual(['one', 'two', 'one']);
  });

  test('what is for a channel that is switched off waits, and is due when it is switched on', async () => {
    channels = [channelOf({ ...channels[0], enabled: false })];
    await enqueue(delivery('one'));
    nowMs += 30 * HOUR;
    await sender.run();
    expect([row('one')!.status, names()]).toEqual(['waiting', []]);
    channels = [channelOf({ ...channels[0], enabled: true })];
    await sender.run();
    expect([row('one')!.status, names()]).toEqual(['delivered', ['one']]);
  });

  test('what waits is due when its channel has changed, also while it is being tried', async () => {
    receiver.answer = status(401);
    await enqueue(delivery('one'), delivery('two', { groupKey: 'b' }), delivery('three', { groupKey: 'c' }));
    await sender.run();
    expect(names()).toEqual(['one', 'two', 'three']);
    receiver.answer = (res) => {
      channels = [channelOf({ ...channels[0], updatedAtMs: 2 })];
      receiver.answer = (other) => other.end();
      res.writeHead(401).end();
    };
    channels = [channelOf({ ...channels[0], updatedAtMs: 1 })];
    await sender.run();
    expect(names().slice(3)).toEqual(['one', 'two', 'three', 'one']);
    expect(['one', 'two', 'three'].map((id) => row(id)!.status)).toEqual(['delivered', 'delivered', 'delivered']);
  });

  test('what was for a channel that is gone is forgotten, also when another one gets its number', async () => {
    receiver.answer = status(503);
    await enqueue(delivery('one'), delivery('two', { groupKey: 'b' }));
    await sender.run();
    store.forget('channel-1');
    channels = [channelOf({ ...channels[0], updatedAtMs: 1 })];
    await sender.run();
    expect(names()).toEqual(['one', 'two']);
    channels = [];
    await enqueue(delivery('three'));
    await sender.run();
    channels = [channelOf({ settings: { url: receiver.url } })];
    await sender.run();
    expect(names()).toEqual(['one', 'two']);
  });

  test('does not wait for a clock that was put back', async () => {
    receiver.answer = status(503);
    await enqueue(delivery('one'));
    await sender.run();
    clockJumpMs = -6 * HOUR;
    nowMs += 5 * SECOND;
    await sender.run();
    expect(names()).toEqual(['one', 'one']);
    // Stored by a process whose clock was ahead: what was tried waits for the longest pause, what was not does not wait.
    clockJumpMs = 0;
    await sender.stop();
    await store.enqueue([], [delivery('two', { groupKey: 'b' })]);
    await store.record({ ...row('one')!, nextAttemptAtMs: nowMs });
    clockJumpMs = -6 * HOUR;
    sender = startSender();
    receiver.answer = (res) => res.end();
    await sender.run();
    expect(names().slice(2)).toEqual(['two']);
    nowMs += HOUR;
    await sender.run();
    expect(names().slice(2)).toEqual(['two', 'one']);
  });

  test('what cannot be read, or makes a channel stumble, is for nobody else to wait for', async () => {
    await enqueue(delivery('one', { payloadJson: '{"al' }), delivery('two', { groupKey: 'b', payloadJson: '{}' }), delivery('three'));
    await sender.run();
    expect(row('one')).toMatchObject({ status: 'failed', lastError: 'what it should tell cannot be read' });
    expect(row('two')).toMatchObject({ status: 'waiting', attempts: 1 });
    expect(names()).toEqual(['three']);
  });

  test('reads what is to be told when it is sent, and not before', async () => {
    const payload = store.payload.bind(store);
    const read: string[] = [];
    store.payload = (id) => {
      read.push(id);
      return payload(id);
    };
    receiver.answer = status(503);
    await enqueue(delivery('one'), delivery('two'));
    await sender.run();
    expect(read).toEqual(['one']);
    store.failWith = new Error('disk full');
    nowMs += 5 * SECOND;
    await sender.run();
    expect(row('one')).toMatchObject({ attempts: 1 });
    store.failWith = null;
    receiver.answer = (res) => res.end();
    await sender.run();
    expect(read).toEqual(['one', 'one', 'one', 'two']);
  });

  test('keeps so many waiting, and gives up the oldest of what is told again', async () => {
    receiver.answer = status(503);
    await enqueue(delivery('first'));
    await sender.run();
    const many = Array.from({ length: 502 }, (_, i) => delivery(`d${i}`, { createdAtMs: nowMs + i }));
    await enqueue(...many);
    await sender.run();
    expect(row('first')).toMatchObject({ status: 'waiting' });
    expect(['d0', 'd1', 'd2', 'd3'].map((id) => row(id)!.status)).toEqual(['failed', 'failed', 'failed', 'waiting']);
    expect(row('d0')!.lastError).toContain('more than 500');
  });

  test('gives up what is missed least: nothing that only it says', async () => {
    receiver.answer = status(503);
    const over = { tellsResolved: true };
    await enqueue(
      delivery('tried', { createdAtMs: nowMs + 1 }),
      delivery('over', { groupKey: 'b', createdAtMs: nowMs + 2, ...over }),
      delivery('over and told again', { groupKey: 'c', createdAtMs: nowMs + 3, ...over }),
      delivery('piece 1', { groupKey: 'd', createdAtMs: nowMs + 4 }),
      delivery('told again', { groupKey: 'e', createdAtMs: nowMs + 5 }),
    );
    await sender.run();
    const givenUp = (): string[] => [...store.deliveries.values()].filter(({ status: now }) => now === 'failed').map(({ id }) => id);
    const more = async (count: number, fields: (i: number) => Partial<NewDelivery>): Promise<void> => {
      await enqueue(...Array.from({ length: count }, (_, i) => delivery(`${store.deliveries.size + i}`, fields(i))));
      await sender.run();
    };
    await sender.stop();
    sender = startSender();
    for (const id of ['over', 'over and told again', 'piece 1', 'told again']) await store.record({ ...row(id)!, attempts: 0 });
    channels = [channelOf({ ...channels[0], enabled: false })];
    await sender.run();
    await enqueue(
      delivery('piece 2', { groupKey: 'd', createdAtMs: nowMs + 4 }),
      delivery('e2', { groupKey: 'e', createdAtMs: nowMs + 6 }),
      delivery('c2', { groupKey: 'c', createdAtMs: nowMs + 7 }),
    );
    await more(492, (i) => ({ groupKey: `h${i}`, createdAtMs: nowMs + 8, ...over }));
    expect(givenUp()).toEqual([]);
    await more(1, () => ({ groupKey: 'i', ...over }));
    expect(givenUp()).toEqual(['told again']);
    await more(1, () => ({ groupKey: 'j', ...over }));
    expect(givenUp()).toEqual(['over and told again', 'told again']);
    await more(1, () => ({ groupKey: 'k', ...over }));
    expect(givenUp()).toEqual(['over and told again', 'piece 1', 'told again']);
  });

  test('does not send again what ended while it was reading what waits', async () => {
    let answer = (): void => undefined;
    receiver.answer = (res) => {
      answer = () => res.end();
    };
    await enqueue(delivery('one'), delivery('two'));
    await receiver.next();
    const waiting = store.waiting.bind(store);
    const read = new Promise<void>((resolve) => {
      store.waiting = async (limit) => {
        const found = await waiting(limit);
        // The first one ends now, and the second one begins.
        answer();
        await receiver.next();
        resolve();
        return found;
      };
    });
    sender.reload();
    const running = sender.run();
    await read;
    receiver.answer = (res) => res.end();
    answer();
    await running;
    expect(names()).toEqual(['one', 'two']);
  });

  test('takes what was stored before it was told to read again, also while it reads, and when that fails', async () => {
    const waiting = store.waiting.bind(store);
    let calls = 0;
    store.waiting = async (limit) => {
      calls += 1;
      const found = await waiting(limit);
      if (calls === 1) {
        await store.enqueue([], [delivery('late')]);
        sender.reload();
      }
      if (calls === 2) {
        await enqueue(delivery('later'));
        throw new Error('the thread ended');
      }
      return found;
    };
    await enqueue(delivery('early', { createdAtMs: nowMs - 1 }));
    await sender.run();
    await sender.run();
    expect(names()).toEqual(['early', 'late', 'later']);
  });

  test('takes what is stored while it reads what waits', async () => {
    const waiting = store.waiting.bind(store);
    let calls = 0;
    store.waiting = async (limit) => {
      calls += 1;
      const found = await waiting(limit);
      if (calls === 1) await enqueue(delivery('late'));
      return found;
    };
    await enqueue(delivery('early', { createdAtMs: nowMs - 1 }));
    await sender.run();
    expect(names()).toEqual(['early', 'late']);
  });

  test('tests a channel past what waits, each time under another key, and says what came of it', async () => {
    expect(await sender.test(channels[0]!)).toEqual({ outcome: 'delivered' });
    expect(receiver.received[0]!.body).toMatchObject({ status: 'firing', alerts: [{ labels: { alertname: 'TestNotification' } }] });
    receiver.answer = status(403, {}, 'no');
    expect(await sender.test(channels[0]!)).toEqual({ outcome: 'retry', error: 'it answered 403: no', retryAfterMs: null });
    receiver.answer = (res) => res.end();
    await sender.test(channelOf({ type: 'alertmanager', settings: { url: receiver.url } }));
    expect(new Set(receiver.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(4);
    expect(store.deliveries.size).toBe(0);
  });

  test('a test of a channel ends with the server', async () => {
    sender = startSender({ stopGraceMs: 10 });
    receiver.answer = () => undefined;
    const testing = sender.test(channels[0]!);
    await receiver.next();
    await sender.stop();
    expect(await testing).toMatchObject({ outcome: 'retry' });
  });
});
