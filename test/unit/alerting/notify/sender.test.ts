import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SendResult } from '../../../../src/alerting/notify/send-result.js';
import { channelOf } from '../../../helpers/alerts.js';
import { type Receiver, status } from '../../../helpers/receiver.js';
import { HOUR, MINUTE, SECOND, SenderWorld } from '../../../helpers/sender-world.js';
import { startSmtpReceiver } from '../../../helpers/smtp-receiver.js';
import { urlOfNobody } from '../../../helpers/upstream.js';

let world: SenderWorld;
beforeEach(async () => {
  world = await SenderWorld.start();
});
afterEach(() => world.stop());

describe('Sender', () => {
  test('sends what waits in the order it was made, each under its own key', async () => {
    await world.enqueue(
      world.delivery('one'),
      world.delivery('two', { createdAtMs: world.nowMs + 1 }),
      world.delivery('three', { createdAtMs: world.nowMs + 2 }),
    );
    await world.sender.run();
    expect(world.names()).toEqual(['one', 'two', 'three']);
    expect(world.receiver.received.map(({ headers }) => headers['idempotency-key'])).toEqual(['one', 'two', 'three']);
    expect(world.row('one')).toMatchObject({ status: 'delivered', attempts: 1, finishedAtMs: world.nowMs, lastError: null });
    expect(world.outcomes).toEqual(['webhook delivered', 'webhook delivered', 'webhook delivered']);
  });

  test('repeats with longer and longer pauses, what comes behind waits, and nothing overtakes', async () => {
    world.receiver.answer = status(503);
    await world.enqueue(world.delivery('one'), world.delivery('two'));
    const pauses: number[] = [];
    for (let i = 0; i < 10; i++) {
      await world.sender.run();
      const { nextAttemptAtMs } = world.row('one')!;
      pauses.push((nextAttemptAtMs - world.nowMs) / SECOND);
      world.nowMs = nextAttemptAtMs - 1;
      await world.sender.run();
      world.nowMs = nextAttemptAtMs;
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
    expect(world.names()).toEqual(Array.from({ length: 10 }, () => 'one'));
    expect(world.row('one')).toMatchObject({ attempts: 10, status: 'waiting', lastError: 'it answered 503' });
    world.receiver.answer = (res) => res.end();
    await world.sender.run();
    expect(world.names().slice(-2)).toEqual(['one', 'two']);
    expect(new Set(world.receiver.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  });

  test('gives up after a day', async () => {
    world.receiver.answer = status(500);
    await world.enqueue(world.delivery('one'));
    const startMs = world.nowMs;
    while (world.row('one')!.status === 'waiting') {
      await world.sender.run();
      world.nowMs = Math.max(world.nowMs, world.row('one')!.nextAttemptAtMs);
    }
    expect(world.row('one')).toMatchObject({ status: 'failed', lastError: 'given up after a day: it answered 500' });
    expect(world.nowMs - startMs).toBeGreaterThan(23 * HOUR);
    expect(world.nowMs - startMs).toBeLessThanOrEqual(24 * HOUR);
    expect(world.logger.of('warn')).toHaveLength(1);
  });

  test.each<[string, Receiver['answer'], number]>([
    ['seconds', status(429, { 'retry-after': '120' }), 2 * MINUTE],
    ['a date', status(503, { 'retry-after': new Date(1_000 * HOUR + 3 * MINUTE).toUTCString() }), 3 * MINUTE],
    ["Telegram's body", status(429, {}, '{"ok":false,"parameters":{"retry_after":35}}'), 35 * SECOND],
    ['less than our own pause', status(429, { 'retry-after': '1' }), 5 * SECOND],
    ['longer than an hour', status(429, { 'retry-after': '999999999' }), HOUR],
    ['nonsense', status(429, { 'retry-after': 'soon' }), 5 * SECOND],
  ])('waits as long as it is asked to: %s', async (_name, answer, pauseMs) => {
    world.receiver.answer = answer;
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    expect(world.row('one')!.nextAttemptAtMs - world.nowMs).toBe(pauseMs);
  });

  test.each([400, 413, 415, 422])('%p is about this body: it is final, and the next one gets its turn', async (code) => {
    world.receiver.answer = (res, { body }) =>
      body.commonLabels.alertname === 'one' ? res.writeHead(code).end('no s3cret such hook') : res.end();
    await world.enqueue(world.delivery('one'), world.delivery('two'));
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'failed', attempts: 1 });
    expect(world.row('one')!.lastError).toContain(`it answered ${code}`);
    expect(world.row('two')).toMatchObject({ status: 'delivered' });
  });

  test.each([301, 307, 401, 403, 404, 408, 410, 429, 500, 502])('%p is tried again', async (code) => {
    world.receiver.answer = status(code, { location: `${world.receiver.url}/elsewhere` });
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'waiting', attempts: 1 });
    expect(world.receiver.received.map(({ path }) => path)).not.toContain('/elsewhere');
  });

  test('says in words why nobody could be reached', async () => {
    world.channels = [channelOf({ settings: { url: await urlOfNobody() } })];
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'waiting', lastError: 'the connection was refused (ECONNREFUSED)' });
  });

  test('does not wait for an answer for ever, nor for its end', async () => {
    world.startSender({ timeoutMs: 100 });
    world.receiver.answer = () => undefined;
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'waiting', lastError: 'the connection timed out (ETIMEDOUT)' });
    world.receiver.answer = (res) => res.writeHead(200).write('and so on');
    world.nowMs = world.row('one')!.nextAttemptAtMs;
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'delivered' });
  });

  test('takes a change of protocol for an answer, and not for silence', async () => {
    world.receiver.answer = (res) =>
      void res.socket?.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'waiting', lastError: 'it answered 101' });
  });

  test('does not read an answer without end', async () => {
    world.receiver.answer = (res) => {
      res.writeHead(400);
      const more = (): void => {
        while (!res.destroyed && res.write('x'.repeat(65_536)));
        if (!res.destroyed) res.once('drain', more);
      };
      more();
    };
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    expect(world.row('one')!.lastError!.length).toBeLessThanOrEqual(500);
  });

  test('keeps secrets out of the log of deliveries and of its own', async () => {
    world.receiver.answer = (res, { path }) =>
      res.writeHead(404).end(`no hook ${path} here; your key s3cret and secret h%40sh h@sh are unknown`);
    world.channels = [channelOf({ settings: { url: `${world.receiver.url}/hook/s3cret-path-of-hook?key=s3cret`, secret: 'h@sh' } })];
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    const written = JSON.stringify([world.row('one')!.lastError, world.logger.entries]);
    expect(written).toContain('no hook');
    for (const secret of ['s3cret-path-of-hook', 'key=s3cret', 'h@sh', 'h%40sh']) expect(written).not.toContain(secret);
  });

  test('a mail that not everybody gets is delivered, and says who does not; it is not sent again', async () => {
    const mails = await startSmtpReceiver();
    mails.answers.set('RCPT TO:<two@example.org>', '550 no such user, mailer with h@sh');
    const to = ['one@example.org', 'two@example.org'];
    world.channels = [
      channelOf({ type: 'email', settings: { smtp_url: `smtp://mailer:h%40sh@127.0.0.1:${mails.port}`, from: 'a@b.c', to } }),
    ];
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    expect(world.row('one')).toMatchObject({
      status: 'delivered',
      attempts: 1,
      lastError: expect.stringContaining('not for two@example.org'),
    });
    expect(world.logger.of('warn')).toHaveLength(1);
    const tested = await world.sender.test(world.channels[0]!);
    expect(tested).toMatchObject({ outcome: 'delivered', warning: expect.stringContaining('two@example.org') });
    // What the mail server repeats of the password goes nowhere.
    const written = JSON.stringify([world.row('one')!.lastError, world.logger.entries, tested]);
    expect(written).toContain('no such user');
    expect(written).not.toContain('h@sh');
    mails.stop();
  });

  test("refuses the server's own network, and tries again: addresses of names change, and so may the channel", async () => {
    world.startSender({ allowPrivate: false });
    await world.enqueue(world.delivery('one'));
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'waiting', lastError: expect.stringContaining("server's own network") });
    world.channels = [channelOf({ settings: { url: world.receiver.url.replace('127.0.0.1', 'localhost') } })];
    world.nowMs = world.row('one')!.nextAttemptAtMs;
    await world.sender.run();
    expect(world.row('one')).toMatchObject({ status: 'waiting', attempts: 2, lastError: expect.stringContaining("server's own network") });
    expect(world.receiver.received).toEqual([]);
  });

  test('goes on after a restart with what was not delivered', async () => {
    world.receiver.answer = status(503);
    await world.enqueue(world.delivery('one'), world.delivery('two'));
    await world.sender.run();
    await world.sender.stop();
    world.receiver.answer = (res) => res.end();
    world.startSender();
    await world.sender.run();
    expect(world.names()).toEqual(['one']);
    world.nowMs += 5 * SECOND;
    await world.sender.run();
    expect(world.names()).toEqual(['one', 'one', 'two']);
    expect(world.row('two')).toMatchObject({ status: 'delivered' });
  });

  test('what was under way at the stop is not lost, and does not keep the stop from ending', async () => {
    world.startSender({ stopGraceMs: 10 });
    world.receiver.answer = () => undefined;
    await world.enqueue(world.delivery('one'));
    await world.receiver.next();
    await world.sender.stop();
    expect(world.row('one')).toMatchObject({ status: 'waiting', attempts: 0 });
  });

  test('what ends in time before the stop is recorded', async () => {
    let answer = (): void => undefined;
    world.receiver.answer = (res) => {
      answer = () => res.end();
    };
    await world.enqueue(world.delivery('one'), world.delivery('two'));
    await world.receiver.next();
    const stopped = world.sender.stop();
    answer();
    await stopped;
    expect([world.row('one')!.status, world.row('two')!.status]).toEqual(['delivered', 'waiting']);
    expect(world.names()).toEqual(['one']);
  });

  test('tests a channel past what waits, each time under another key, and says what came of it', async () => {
    expect(await world.sender.test(world.channels[0]!)).toEqual({ outcome: 'delivered' });
    expect(world.receiver.received[0]!.body).toMatchObject({ status: 'firing', alerts: [{ labels: { alertname: 'TestNotification' } }] });
    world.receiver.answer = status(403, {}, 'no');
    expect(await world.sender.test(world.channels[0]!)).toEqual({ outcome: 'retry', error: 'it answered 403: no', retryAfterMs: null });
    world.receiver.answer = (res) => res.end();
    await world.sender.test(channelOf({ type: 'alertmanager', settings: { url: world.receiver.url } }));
    expect(new Set(world.receiver.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(4);
    expect(world.store.deliveries.size).toBe(0);
  });

  test('a test of a channel ends with the server', async () => {
    world.startSender({ stopGraceMs: 10 });
    world.receiver.answer = () => undefined;
    const testing = world.sender.test(world.channels[0]!);
    let result: SendResult | null = null;
    void testing.then((settled) => {
      result = settled;
    });
    await world.receiver.next();
    await world.sender.stop();
    expect(result).toMatchObject({ outcome: 'retry' });
  });
});
