import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/**
 * What the server tells about itself on `GET /metrics`. One registry per app, so that two apps in one process
 * (tests) do not share numbers. Gauges are read when they are scraped: see `gauge`.
 */
export class SelfMetrics {
  readonly registry = new Registry();

  readonly batches = this.counter('ccv_batches_total', 'Batches by outcome.', ['outcome']);
  readonly samples = this.counter('ccv_samples_total', 'Samples acknowledged: they are on disk.');
  readonly rejected = this.counter('ccv_rejected_metrics_total', 'Metrics rejected, by reason.', ['reason']);
  readonly frames = this.counter('ccv_agent_frames_total', 'Frames from agents, by type.', ['type']);
  readonly badFrames = this.counter('ccv_agent_bad_frames_total', 'Frames from agents that were refused, by reason.', ['reason']);
  readonly connectionsOpened = this.counter('ccv_agent_connections_opened_total', 'Agent connections accepted.');
  readonly connectionsClosed = this.counter('ccv_agent_connections_closed_total', 'Agent connections ended, by reason.', ['reason']);
  readonly upgradesRefused = this.counter('ccv_upgrades_refused_total', 'WebSocket upgrades refused, by reason.', ['reason']);
  readonly socketPauses = this.counter('ccv_socket_pauses_total', 'Times an agent socket was paused by back-pressure.');
  readonly liveDropped = this.counter('ccv_live_dropped_total', 'News not sent to a console because it was slow or there was too much.');
  readonly unreadAnswersCut = this.counter(
    'ccv_unread_answers_cut_total',
    'Connections cut off because their clients did not read their answers.',
  );
  readonly activitiesDropped = this.counter('ccv_activities_dropped_total', 'Entries of the activity feed that could not be written.');
  readonly cleanupsSkipped = this.counter(
    'ccv_cleanups_skipped_total',
    'Clean-ups that deleted nothing by its age, because the clock had jumped ahead.',
  );
  readonly notifications = this.counter('ccv_notifications_total', 'Attempts to tell a channel of alerts, by its type and outcome.', [
    'type',
    'outcome',
  ]);
  private readonly foldedBatches = this.counter('ccv_folded_batches_total', 'Rows of the batch log that folding has put into units.');
  private readonly unitsWritten = this.counter('ccv_units_written_total', 'Units written by folding, by tier.', ['tier']);
  private readonly unitSamples = this.counter('ccv_unit_samples_written_total', 'Samples in them, of rollups rows.', ['tier']);
  readonly ackSeconds = new Histogram({
    name: 'ccv_ack_seconds',
    help: 'From the arrival of a batch to its acknowledgement.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });
  readonly httpSeconds = new Histogram({
    name: 'ccv_http_request_seconds',
    help: 'Duration of HTTP requests by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });

  /** Units have been written in the place of rows of the batch log, and of other units. */
  countFold(batches: number, units: readonly { readonly tier: string; readonly samples: number }[]): void {
    this.foldedBatches.inc(batches);
    for (const { tier, samples } of units) {
      this.unitsWritten.inc({ tier });
      this.unitSamples.inc({ tier }, samples);
    }
  }

  /** Adds Node's own figures (memory, CPU, event loop lag). Without this nothing runs in the background. */
  collectProcessMetrics(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A figure that is read whenever somebody scrapes. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** The same for several figures that differ in one label. */
  gaugePer(label: string, name: string, help: string, read: () => Iterable<readonly [string, number]>): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        for (const [value, figure] of read()) this.set({ [label]: value }, figure);
      },
    });
  }

  private counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter<L>({ name, help, labelNames, registers: [this.registry] });
  }
}
