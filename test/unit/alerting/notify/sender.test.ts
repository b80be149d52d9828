import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Sender } from '../../../../src/alerting/notify/sender.js';
import { SsrfGuard } from '../../../../src/alerting/notify/ssrf-guard.js';
import type { Channel, Delivery } from '../../../../src/model/alert.js';
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
let sender: Sender;
let outcomes: string[];

function startSender({ timeoutMs = 5_000, allowPrivate = true } = {}): Sender {
  return new Sender({
    deliveries: store,
    channels: () => channels,
    guard: new SsrfGuard(allowPrivate),
    mail: { smtpUrl: 'smtp://localhost:25', from: null },
    externalUrl: null,
    clock: { nowMs: () => nowMs },
    logger,
    random: () => 0,
    timeoutMs,
    onAttempt: (type, outcome) => outcomes.push(`${type} ${outcome}`),
  });
}

function delivery(id: string, fields: Partial<Delivery> = {}): Delivery {
  const alert = { id: 'a', status: 'firing', labels: { alertname: id }, annotations: {}, startsAtMs: 0, endsAtMs: null, value: 1 };
  const notification = { groupKey: '{}', groupLabels: {}, alerts: [alert], omittedAlerts: 0, stillFiring: 1 };
  return {
    id,
    channelId: 'channel-1',
    groupKey: '{}',
    status: 'waiting',
    payloadJson: JSON.stringify(notification),
    attempts: 0,
    nextAttemptAtMs: nowMs,
    createdAtMs: nowMs,
    finishedAtMs: null,
    lastError: null,
    ...fields,
  };
}

async function enqueue(...deliveries: Delivery[]): Promise<void> {
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

  test('what was under way at the stop is not lost', async () => {
    receiver.answer = () => undefined;
    await enqueue(delivery('one'));
    const running = sender.run();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await sender.stop();
    await running;
    expect(row('one')).toMatchObject({ status: 'waiting', attempts: 0 });
  });

  test('does not send again what could not be recorded', async () => {
    await enqueue(delivery('one'), delivery('two'));
    store.failWith = new Error('disk full');
    await sender.run();
    await sender.run();
    expect(names()).toEqual(['one']);
    store.failWith = null;
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

  test('what a channel is not told any more fails: it is gone, or switched off', async () => {
    await enqueue(delivery('one', { channelId: 'gone' }));
    channels = [channelOf({ enabled: false })];
    await enqueue(delivery('two'));
    await sender.run();
    expect([row('one')!.lastError, row('two')!.lastError]).toEqual(['the channel is gone', 'the channel is switched off']);
  });

  test('keeps so many waiting, and gives up the oldest', async () => {
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

  test('tests a channel past what waits, and says what came of it', async () => {
    expect(await sender.test(channels[0]!)).toEqual({ outcome: 'delivered' });
    expect(receiver.received[0]!.body).toMatchObject({ status: 'firing', alerts: [{ labels: { alertname: 'TestNotification' } }] });
    receiver.answer = status(403, {}, 'no');
    expect(await sender.test(channels[0]!)).toEqual({ outcome: 'retry', error: 'it answered 403: no', retryAfterMs: null });
    expect(store.deliveries.size).toBe(0);
  });
});
