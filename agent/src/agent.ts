/**
 * The agent: collectors measure, the recorder spools, spool and link deliver, and the server's configurations and commands are obeyed.
 * Everything is made here, once. Whatever fails out there (the network, the server, a target), the agent goes on; what it measured
 * is in the spool.
 */
import { agentActions } from './agent-actions.js';
import { collectorsFor } from './collect/collectors.js';
import { phaseOf } from './collect/phase.js';
import { Scheduler } from './collect/scheduler.js';
import { Slots } from './collect/slots.js';
import { Commands } from './control/commands.js';
import { ConfigKeeper } from './control/config-keeper.js';
import { Delivery } from './delivery.js';
import type { CommandFrame, Location } from './link/frames.js';
import type { LinkTimings } from './link/link.js';
import type { AgentConfig, Clock, Collector, Logger } from './model.js';
import type { Patience } from './outbox/patience.js';
import { Recorder } from './recorder.js';
import { DiskSpool } from './spool/disk-spool.js';
import type { SpoolLimits } from './spool/spool.js';

export interface AgentOptions {
  readonly url: string;
  readonly token: string | null;
  /** Null: the one kept in the spool. */
  readonly id: string | null;
  readonly location: Location;
  /** Folder of the spool; the pushed configuration is kept there too. */
  readonly spoolDir: string;
  readonly spoolLimits: SpoolLimits;
  /** What the agent does as long as the server says nothing else. */
  readonly config: AgentConfig;
  /** Names of the commands it obeys. */
  readonly commands: readonly string[];
  readonly version: string;
}

export interface AgentDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: what measures this machine and its targets. */
  readonly collectors?: (config: AgentConfig) => Collector[];
  readonly timings?: Partial<LinkTimings>;
  /** Default: 20. */
  readonly backlogPerSecond?: number;
  readonly patience?: Partial<Patience>;
}

const CHECKS_AT_ONCE = 8;
const CAPABILITIES = ['batch_id', 'seq', 'spool', 'config_update'];

export class Agent {
  private readonly spool: DiskSpool;
  private readonly delivery: Delivery;
  private readonly recorder: Recorder;
  private readonly scheduler: Scheduler;
  private readonly keeper: ConfigKeeper;
  private readonly commands: Commands;
  private readonly slots = new Slots(CHECKS_AT_ONCE);
  private isStarted = false;
  private reportedProblem: string | null = null;

  constructor(
    private readonly options: AgentOptions,
    private readonly deps: AgentDeps,
  ) {
    const { url, token, version, location, config } = options;
    const { clock, logger } = deps;
    this.spool = new DiskSpool({ dir: options.spoolDir, agentId: options.id, ...options.spoolLimits, clock, logger });
    this.keeper = new ConfigKeeper({ dir: options.spoolDir, defaults: config, apply: (next) => this.apply(next), logger });
    this.delivery = new Delivery({
      spool: this.spool,
      clock,
      link: {
        url,
        token,
        version,
        location,
        capabilities: [...CAPABILITIES, ...options.commands],
        logger,
        ...(deps.timings === undefined ? {} : { timings: deps.timings }),
      },
      outbox: {
        retry: () => this.keeper.config,
        logger,
        ...(deps.backlogPerSecond === undefined ? {} : { backlogPerSecond: deps.backlogPerSecond }),
        ...(deps.patience === undefined ? {} : { patience: deps.patience }),
      },
      onUp: () => this.reportHealth(true),
      onConfigUpdate: (next, body) => void this.configure(next, body),
      onCommand: (command) => void this.obey(command),
    });
    this.recorder = new Recorder({ spool: this.spool, outbox: this.delivery.outbox, logger }, config);
    this.scheduler = new Scheduler({
      collectors: [],
      intervalMs: config.collectionIntervalS * 1_000,
      phase: () => phaseOf(this.spool.agentId),
      onMetrics: async (metrics) => {
        await this.recorder.record(metrics);
        this.reportHealth(false);
      },
      clock,
      logger,
    });
    this.commands = new Commands({
      allowed: new Set(options.commands),
      targets: () => this.keeper.config.targets,
      actions: agentActions({
        spool: this.spool,
        outbox: this.delivery.outbox,
        recorder: this.recorder,
        scheduler: this.scheduler,
        keeper: this.keeper,
        renewCollectors: () => this.scheduler.setCollectors(this.collectorsFor(this.keeper.config)),
        slots: this.slots,
        version,
        clock,
        logger,
      }),
      clock,
      logger,
    });
  }

  /** Known after the start. */
  get id(): string {
    return this.spool.agentId;
  }

  /** Measures from now on, and delivers as soon as there is a server. @throws Error when the spool cannot be used or the URL is none */
  async start(): Promise<void> {
    if (this.isStarted) return;
    // First of all: until the spool is ours, another agent may be at work in its folder.
    await this.spool.start();
    try {
      this.apply(this.keeper.load());
      await this.delivery.start();
    } catch (error) {
      await this.spool.stop();
      throw error;
    }
    this.isStarted = true;
    this.deps.logger.info('agent started', { id: this.id, version: this.options.version, waiting: this.spool.entries.length });
    this.recorder.start();
    this.scheduler.start();
  }

  /** What was measured is spooled, and delivered as far as that goes quickly. */
  async stop(): Promise<void> {
    if (!this.isStarted) return;
    this.isStarted = false;
    // Together: collectors that are done wait for the recorder, and the recorder for no more of them.
    await Promise.all([this.scheduler.stop(), this.recorder.stop()]);
    await this.delivery.stop();
    this.deps.logger.info('agent stopped', { id: this.id, waiting: this.spool.entries.length });
  }

  private collectorsFor(config: AgentConfig): Collector[] {
    const { collectors, logger } = this.deps;
    return collectors === undefined ? collectorsFor(config, { slots: this.slots, logger }) : collectors(config);
  }

  private apply(config: AgentConfig): void {
    this.scheduler.setCollectors(this.collectorsFor(config));
    this.scheduler.setIntervalMs(config.collectionIntervalS * 1_000);
    this.recorder.setPace(config);
  }

  private async configure(version: number, body: unknown): Promise<void> {
    const { status, error } = await this.keeper.update(version, body);
    this.delivery.link.report('config_status', { version, status, ...(error === null ? {} : { error }) });
  }

  private async obey(command: CommandFrame): Promise<void> {
    const result = await this.commands.run(command);
    this.delivery.link.report('command_result', { command_id: command.commandId, ...result });
  }

  /** Tells the server how the agent is: at every connect, and when that changes. */
  private reportHealth(always: boolean): void {
    const { problem } = this.spool;
    if (!always && problem === this.reportedProblem) return;
    const data = problem === null ? { status: 'healthy' } : { status: 'warning', message: `batches cannot be spooled: ${problem}` };
    if (this.delivery.link.send('status', data)) this.reportedProblem = problem;
  }
}
