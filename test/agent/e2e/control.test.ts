import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent } from '../../../agent/src/agent.js';
import { defaultConfig } from '../../../agent/src/control/config.js';
import type { AgentConfig, Collector } from '../../../agent/src/model.js';
import type { FrameData, TestAgent } from '../../helpers/agent-client.js';
import { MemoryLogger } from '../../helpers/memory-logger.js';
import { startTestApp, type TestApp } from '../../helpers/test-app.js';
import { connectConsole } from '../../helpers/test-console.js';
import { eventually } from '../../helpers/eventually.js';

/** What the agent makes of configurations and commands, as people see it on the server: over REST and on the live channel. */
let app: TestApp;
let dir: string;

beforeAll(async () => {
  app = await startTestApp({ LIVE_INTERVAL_MS: '20' });
  dir = mkdtempSync(join(tmpdir(), 'agent-control-'));
});

afterAll(async () => {
  expect(await app.stop()).toBe(true);
  rmSync(dir, { recursive: true, force: true });
});

const put = (path: string, body: unknown) => app.api(`/api/v1${path}`, { method: 'PUT', body });
const post = (path: string, body: unknown) => app.api(`/api/v1${path}`, { method: 'POST', body });
const get = async (path: string): Promise<FrameData> => (await app.api(`/api/v1${path}`)).body;

const NOWHERE = { provider: '', region: '', zone: '', network: '', subnet: '', instanceId: '', privateIp: '', publicIp: '' };

/** Asks until the answer holds, for what agent and server do on their own. */
async function until(path: string, holds: (body: FrameData) => boolean): Promise<FrameData> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const body = await get(path);
    if (holds(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${path} did not come to hold in time`);
}

/** The agent itself, measuring nothing; `refuses` says which configurations its collectors cannot be made for. */
class ControlledAgent {
  readonly logger = new MemoryLogger();
  readonly applied: AgentConfig[] = [];
  refuses: (config: AgentConfig) => boolean = () => false;
  private readonly agent: Agent;

  constructor(readonly id: string) {
    this.agent = new Agent(
      {
        url: app.wsUrl,
        token: null,
        id,
        location: NOWHERE,
        spoolDir: join(dir, id),
        spoolLimits: { maxBytes: 1_048_576, maxAgeMs: 3_600_000 },
        config: defaultConfig(),
        commands: ['ping_now', 'report_status'],
        version: '1.0.0',
      },
      { clock: { nowMs: Date.now }, logger: this.logger, collectors: (config) => this.collectors(config) },
    );
  }

  /** Resolves when the server knows that it is there. */
  async start(): Promise<void> {
    await this.agent.start();
    await until(`/agents?search=${this.id}`, ({ agents }) => agents[0]?.last_registration != null && agents[0].status === 'connected');
  }

  stop(): Promise<void> {
    return this.agent.stop();
  }

  private collectors(config: AgentConfig): Collector[] {
    if (this.refuses(config)) throw new Error('no such interface');
    this.applied.push(config);
    return [];
  }
}

/** The agent's configuration once the live channel says that it came to this; REST must say the same. */
async function shown(console: TestAgent, agentId: string, status: string, version: number): Promise<FrameData> {
  const holds = ({ type, data }: { type: string; data: FrameData }): boolean =>
    type.startsWith('agent_') && data.id === agentId && data.config?.status === status && data.config.desired_version === version;
  const { config } = (await console.next(holds)).data;
  expect((await get(`/agents/${agentId}`)).config).toEqual(config);
  expect((await get(`/agents?search=${agentId}`)).agents[0].config).toEqual(config);
  expect(await get(`/agents/${agentId}/config`)).toMatchObject({ ...config, version });
  return config;
}

describe('configuration', () => {
  test('applied and failed are shown with since when, over REST and live, and outlive a restart', async () => {
    const startMs = Date.now();
    const agent = new ControlledAgent('round-trip');
    await agent.start();
    expect((await get('/agents/round-trip')).config).toBeNull();
    const console = await connectConsole(app);
    // A console is told of news only once it is there.
    console.send('request_agents', {});
    await console.nextFrame('agent_updated');

    await put('/agents/round-trip/config', { batch_size: 7 });
    const first = await shown(console, 'round-trip', 'applied', 1);
    expect(first).toEqual({
      desired_version: 1,
      attempted_version: 1,
      effective_version: 1,
      status: 'applied',
      error: null,
      desired_since: expect.any(String),
      attempted_at: expect.any(String),
      effective_since: expect.any(String),
    });
    const times = [startMs, Date.parse(first.desired_since), Date.parse(first.effective_since), Date.now()];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(agent.applied.at(-1)).toMatchObject({ batchSize: 7 });

    agent.refuses = ({ interfaces }) => interfaces.includes('eth9');
    await put('/agents/round-trip/config', { batch_size: 8, filters: { interfaces: ['eth9'] } });
    const second = await shown(console, 'round-trip', 'failed', 2);
    expect(second).toMatchObject({ attempted_version: 2, effective_version: 1, effective_since: first.effective_since });
    expect(second.error).toBe('it could not be applied: no such interface');

    await put('/agents/round-trip/config', { targets: { tcp: ['not a target'] } });
    const third = await shown(console, 'round-trip', 'failed', 3);
    expect(third).toMatchObject({ attempted_version: 3, effective_version: 1 });
    expect(third.error).toBe('"targets.tcp[0]" must be host:port (an IPv6 address in brackets) (it is "not a target")');
    expect(agent.applied.at(-1)).toMatchObject({ batchSize: 7 });

    await agent.stop();
    await console.close();
    expect(await app.restart()).toBe(true);
    expect((await get('/agents/round-trip')).config).toEqual(third);
  });

  test('an agent begins with what it kept; one that lost it gets it again, and is not shown as changed', async () => {
    const first = new ControlledAgent('forgetful');
    await first.start();
    await put('/agents/forgetful/config', { batch_size: 9 });
    const { config } = await until('/agents/forgetful', (agent) => agent.config?.status === 'applied');
    await first.stop();
    await until('/agents/forgetful', ({ status }) => status === 'disconnected');

    const second = new ControlledAgent('forgetful');
    await second.start();
    expect(second.applied[0]).toMatchObject({ batchSize: 9 });
    await second.stop();
    await until('/agents/forgetful', ({ status }) => status === 'disconnected');

    rmSync(join(dir, 'forgetful', 'config.json'));
    const third = new ControlledAgent('forgetful');
    await third.start();
    while (third.applied.at(-1)?.batchSize !== 9) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(third.applied.map(({ batchSize }) => batchSize)).toEqual([100, 9]);
    expect((await get('/agents/forgetful')).config).toEqual(config);
    await third.stop();
  });
});

describe('commands', () => {
  test('what is allowed is done, the rest is refused; both are listed, and logged at the agent', async () => {
    const agent = new ControlledAgent('obedient');
    await agent.start();
    await put('/agents/obedient/config', { targets: { tcp: [`127.0.0.1:${new URL(app.url).port}`] } });
    await until('/agents/obedient', ({ config }) => config?.status === 'applied');
    const asked = [
      { name: 'report_status' },
      { name: 'ping_now', args: { target: '192.0.2.1' } },
      { name: 'run_check', args: { type: 'tcp', address: '127.0.0.1' } },
      { name: 'reboot' },
    ];
    const ids: string[] = [];
    for (const body of asked) ids.push((await post('/agents/obedient/commands', body)).body.id);
    const { commands } = await until('/agents/obedient/commands', (list) =>
      list.commands.every(({ status }: FrameData) => status !== 'sent'),
    );
    const answers = ids.map((id) => commands.find((command: FrameData) => command.id === id));
    expect(answers.map(({ status, error }) => [status, error])).toEqual([
      ['ok', null],
      ['refused', '"192.0.2.1" is not a configured ping target'],
      ['refused', 'run_check is not allowed here: the agent\'s own file must list it under "commands"'],
      ['refused', 'there is no command "reboot"'],
    ]);
    expect(JSON.parse(answers[0].output)).toMatchObject({ agent_id: 'obedient', config_version: 1 });
    const logged = agent.logger.entries.map(({ message }) => message).filter((message) => message.startsWith('command '));
    expect(logged.filter((message) => message === 'command received')).toHaveLength(1);
    expect(logged.filter((message) => message === 'command refused')).toHaveLength(3);
    expect(logged.filter((message) => message === 'command done')).toHaveLength(1);
    // The feed is written a little behind what it tells of: one entry for each command sent, and one for its result.
    await eventually(async () => {
      const { activity } = await get('/dashboard/activity');
      return activity.filter(({ agent_id: id, type }: FrameData) => id === 'obedient' && type === 'command').length === 8;
    });
    await agent.stop();
  });
});
