import { describe, expect, test } from '@jest/globals';
import type { AgentRecord } from '../../../src/ingest/agent-record.js';
import type { BatchOutcome } from '../../../src/ingest/batch-processor.js';
import { UNKNOWN_LOCATION } from '../../../src/model/agent.js';
import { AppError } from '../../../src/model/errors.js';
import type { LiveSample } from '../../../src/model/event.js';
import { monotonicMs } from '../../../src/runtime/clock.js';
import { WayIn } from '../../helpers/way-in.js';

async function known(wayIn: WayIn, id = 'a'): Promise<AgentRecord> {
  const record = await wayIn.registry.describe({ ...UNKNOWN_LOCATION, id, version: '', capabilities: null });
  wayIn.registry.attach(record, { send: () => true, close() {} });
  return record;
}

function submit(
  wayIn: WayIn,
  record: AgentRecord,
  metrics: readonly unknown[],
  batchId: string | null = null,
  timestamp?: number,
): Promise<BatchOutcome> {
  const frame = { agentKey: record.agent.agentKey, batchId, seq: null, receivedAtMs: Date.now(), timestamp };
  const decoded = wayIn.decoder.decode(wayIn.registry.dictionaryOf(record), metrics, frame);
  return wayIn.processor.submit(record, decoded, monotonicMs());
}

const METRICS = [{ name: 'cpu', type: 'gauge', value: 5, unit: 'percent', tags: { core: '1' } }];

describe('BatchProcessor', () => {
  test('answers what is on disk, counts it, and knows the series next time', async () => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    await expect(submit(wayIn, record, [...METRICS, null])).resolves.toMatchObject({
      processed: 1,
      errors: 1,
      duplicate: false,
      details: [{ index: 1 }],
    });
    await submit(wayIn, record, METRICS);
    expect(wayIn.writer.batches.map(({ newSeries, seriesIds }) => [newSeries.length, [...seriesIds]])).toEqual([
      [1, [1]],
      [0, [1]],
    ]);
    expect(record.agent).toMatchObject({ totalMetrics: 2, totalErrors: 1 });
    expect(await wayIn.counted('ccv_samples_total')).toBe(2);
    expect(await wayIn.counted('ccv_batches_total', { outcome: 'stored' })).toBe(2);
    expect(await wayIn.counted('ccv_rejected_metrics_total', { reason: 'invalid_metric' })).toBe(1);
    expect(await wayIn.counted('ccv_ack_seconds')).toBeGreaterThan(0);
  });

  test.each([
    ['was measured 80 s ago', [-80], null, null],
    ['was measured 100 s ago', [-100], null, -100],
    ['holds old samples and a young one, as of an agent that sends every two minutes', [-120, -60, 0], null, null],
    ['was kept back', [-700, -600, -800], 0, -600],
    ['was sent by a clock that is ten minutes behind', [-660, -600], -600, null],
    ['was kept back by a clock that is ten minutes ahead', [400], 600, 400],
    ['has no samples', [], null, null],
  ] as const)('a batch that %s', async (_, measuredS, sentS, lateS) => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    const nowMs = Date.now();
    const metrics = measuredS.map((seconds) => ({ name: 'cpu', type: 'gauge', value: 1, timestamp: nowMs + seconds * 1_000 }));
    const stored = submit(wayIn, record, metrics, null, sentS === null ? undefined : nowMs + sentS * 1_000);
    // Said before anybody can read the samples.
    expect(record.agent.newestLateMs).toBe(lateS === null ? null : nowMs + lateS * 1_000);
    await stored;
    await submit(wayIn, record, [{ ...METRICS[0], timestamp: nowMs - 3_600_000 }]);
    expect(record.agent.newestLateMs).toBe(nowMs + (lateS ?? -3_600) * 1_000);
  });

  test('a batch that storage had already is not late; others that come with it are', async () => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    const nowMs = Date.now();
    const kept = (minutes: number) => [{ ...METRICS[0], timestamp: nowMs - minutes * 60_000 }];
    const sendAgain = () => submit(wayIn, record, kept(0), 'known', nowMs + 120_000);
    await submit(wayIn, record, kept(0), 'known');
    const again = sendAgain();
    expect(record.agent.newestLateMs).not.toBeNull();
    await expect(again).resolves.toMatchObject({ duplicate: true });
    expect(record.agent.newestLateMs).toBeNull();
    // The older one does not raise the mark while the other is on its way, and counts all the same.
    await Promise.all([sendAgain(), submit(wayIn, record, kept(30), 'older')]);
    expect(record.agent.newestLateMs).toBe(nowMs - 30 * 60_000);
    await Promise.all([sendAgain(), submit(wayIn, record, kept(20), 'newer')]);
    expect(record.agent.newestLateMs).toBe(nowMs - 20 * 60_000);
    await submit(wayIn, record, kept(20), 'newer');
    expect(record.agent.newestLateMs).toBe(nowMs - 20 * 60_000);
  });

  test('a late batch that failed may have been stored', async () => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    const timestamp = Date.now() - 600_000;
    wayIn.writer.failures.push(new AppError('storage_unavailable', 'away'));
    await expect(submit(wayIn, record, [{ ...METRICS[0], timestamp }])).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(record.agent.newestLateMs).toBe(timestamp);
  });

  test('a repeated batch is counted once', async () => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    await submit(wayIn, record, METRICS, 'b1');
    await expect(submit(wayIn, record, METRICS, 'b1')).resolves.toMatchObject({ processed: 1, duplicate: true });
    expect(record.agent.totalMetrics).toBe(1);
    expect(await wayIn.counted('ccv_samples_total')).toBe(1);
    expect(await wayIn.counted('ccv_batches_total', { outcome: 'duplicate' })).toBe(1);
  });

  test('series beyond the limit are rejected in the answer and in the figures', async () => {
    const wayIn = new WayIn();
    wayIn.writer.maxSeries = 1;
    const record = await known(wayIn);
    const outcome = await submit(wayIn, record, [...METRICS, { name: 'mem', type: 'gauge', value: 1 }]);
    expect(outcome).toMatchObject({
      processed: 1,
      errors: 1,
      details: [{ index: 1, name: 'mem', error: expect.stringMatching(/^series_limit: /) }],
    });
    expect(await wayIn.counted('ccv_rejected_metrics_total', { reason: 'series_limit' })).toBe(1);
  });

  test('a failure is passed on, and leaves nothing behind', async () => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    wayIn.writer.failures.push(new AppError('storage_full', 'no room'));
    await expect(submit(wayIn, record, METRICS)).rejects.toMatchObject({ code: 'storage_full' });
    expect([wayIn.processor.queuedBatches, wayIn.processor.queuedBytes, record.queuedBatches]).toEqual([0, 0, 0]);
    expect(await wayIn.counted('ccv_batches_total', { outcome: 'failed' })).toBe(1);
    await expect(submit(wayIn, record, METRICS)).resolves.toMatchObject({ processed: 1 });
  });

  test('is saturated from its limit down to half of it, and says when there is room', async () => {
    const wayIn = new WayIn({ queue: { queueBatches: 4 } });
    const record = await known(wayIn);
    let reliefs = 0;
    const unsubscribe = wayIn.processor.onRelief(() => reliefs++);
    wayIn.writer.hold();
    const batches = [1, 2, 3].map(() => submit(wayIn, record, METRICS));
    expect(wayIn.processor.saturated).toBe(false);
    wayIn.processor.requireRoom(record);
    batches.push(submit(wayIn, record, METRICS));
    expect(wayIn.processor.saturated).toBe(true);
    expect(() => wayIn.processor.requireRoom(record)).toThrow(expect.objectContaining({ code: 'overloaded', retryAfterMs: 1_000 }));
    wayIn.writer.release();
    await Promise.all(batches);
    expect([wayIn.processor.saturated, reliefs, wayIn.processor.queuedBatches]).toEqual([false, 1, 0]);
    unsubscribe();
    expect(await wayIn.counted('ccv_batches_total', { outcome: 'refused' })).toBe(1);
  });

  test('bytes saturate it too, and one agent is full by itself', async () => {
    const wayIn = new WayIn({ queue: { queueBytes: 2_000, agentQueueBatches: 2 } });
    const [a, b] = [await known(wayIn, 'a'), await known(wayIn, 'b')];
    wayIn.writer.hold();
    const first = [submit(wayIn, a, METRICS), submit(wayIn, a, METRICS)];
    expect([wayIn.processor.agentSaturated(a), wayIn.processor.agentSaturated(b), wayIn.processor.saturated]).toEqual([true, false, false]);
    expect(() => wayIn.processor.requireRoom(a)).toThrow('waiting');
    wayIn.processor.requireRoom(b);
    const large = submit(
      wayIn,
      b,
      Array.from({ length: 60 }, () => METRICS[0]),
    );
    expect(wayIn.processor.saturated).toBe(true);
    wayIn.writer.release();
    await Promise.all([...first, large]);
    expect([wayIn.processor.agentRelieved(a), wayIn.processor.saturated]).toEqual([true, false]);
  });

  test('what waits with a batch of bad metrics is the reasons, and they count', async () => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    wayIn.writer.hold();
    const stored = submit(
      wayIn,
      record,
      Array.from({ length: 200 }, () => ({ ...METRICS[0], value: 'x'.repeat(64) })),
    );
    expect(wayIn.processor.queuedBytes).toBeGreaterThan(200 * 100);
    wayIn.writer.release();
    await expect(stored).resolves.toMatchObject({ errors: 200 });
    expect(wayIn.processor.queuedBytes).toBe(0);
  });

  test('batches that outlive their session are stored, and leave no series in memory', async () => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    const { link } = record;
    if (link !== null) wayIn.registry.detach(record, link, 'lost');
    await expect(submit(wayIn, record, METRICS)).resolves.toMatchObject({ processed: 1 });
    expect(record.dictionary).toBeNull();
  });

  test('those who watch get the stored samples, when they ask', async () => {
    const wayIn = new WayIn();
    const record = await known(wayIn);
    const seen: LiveSample[] = [];
    wayIn.bus.on('samplesCommitted', (committed) => {
      expect(committed.agentId).toBe('a');
      seen.push(...committed.samples());
    });
    await submit(wayIn, record, [...METRICS, { name: 't', type: 'timer', value: { value: 2, max: 3 } }, null], 'b');
    await submit(wayIn, record, METRICS, 'b');
    expect(seen).toEqual([
      {
        seriesId: 1,
        name: 'cpu',
        type: 'gauge',
        unit: 'percent',
        tagsJson: '{"core":"1"}',
        timestampMs: expect.any(Number),
        value: 5,
        objectJson: null,
      },
      {
        seriesId: 2,
        name: 't',
        type: 'timer',
        unit: null,
        tagsJson: '{}',
        timestampMs: expect.any(Number),
        value: 2,
        objectJson: '{"value":2,"max":3}',
      },
    ]);
  });
});
