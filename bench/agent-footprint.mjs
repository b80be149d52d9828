/**
 * What the agent takes of the machine it monitors: `npm run build && node bench/agent-footprint.mjs [--seconds N]`. Linux only.
 *
 * A server and two agents run as processes of their own: one collects every second, the other only once and holds its connection. What a
 * collection costs is the difference; what an agent takes at an interval of 30 s is the second's share and a thirtieth of that, and is
 * computed, not measured. The memory is that of the busy one, which has allocated thirty times as often as it would. Then the same
 * figures of the machine are read from /proc and through the library in turn. Exit code 1: an aim is missed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const AIM_RSS_MB = 80;
const AIM_CPU_PERCENT = 1;
const INTERVAL_S = 30;
const SETTLE_S = 10;
/** Ticks of /proc/PID/stat per second: 100 on every Linux a program can see. */
const TICKS_PER_SECOND = 100;
const COLLECTIONS = 100;

/** Processor seconds of a process and of the programs it ran, and its memory in MB. */
function usageOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; the fields behind it are numbers.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const seconds = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { seconds, rssMb: (Number(kilobytes) * 1_024) / 1e6 };
}

async function startServer(dir) {
  const env = { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', LOG_DIR: '', DB_PATH: join(dir, 'bench.db') };
  const child = spawn(process.execPath, [join(ROOT, 'dist/main.js')], { cwd: dir, env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /"message":"listening","port":(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume();
    return { child, port: Number(port) };
  }
  throw new Error('the server did not start');
}

function startAgent(dir, id, intervalS, port) {
  const config = join(dir, `${id}.json`);
  const targets = { ping: ['127.0.0.1'], tcp: [`127.0.0.1:${port}`], http: [`http://127.0.0.1:${port}/health`] };
  writeFileSync(config, JSON.stringify({ url: `ws://127.0.0.1:${port}`, id, interval: intervalS, spool: join(dir, id), ...targets }));
  const args = [join(ROOT, 'agent/dist/main.js'), '--config', config];
  return spawn(process.execPath, args, { env: { PATH: process.env.PATH }, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function measureAgents(seconds) {
  const dir = mkdtempSync(join(tmpdir(), 'ccv-footprint-'));
  const children = [];
  try {
    const { child: server, port } = await startServer(dir);
    children.unshift(server);
    const busy = startAgent(dir, 'busy', 1, port);
    const idle = startAgent(dir, 'idle', 3_600, port);
    children.unshift(busy, idle);
    await sleep(SETTLE_S * 1_000);
    const before = [usageOf(busy.pid), usageOf(idle.pid)];
    const startMs = performance.now();
    let peakMb = 0;
    for (let second = 0; second < seconds; second += 1) {
      await sleep(1_000);
      peakMb = Math.max(peakMb, usageOf(busy.pid).rssMb);
    }
    const elapsedS = (performance.now() - startMs) / 1_000;
    const after = [usageOf(busy.pid), usageOf(idle.pid)];
    const [busyShare, idleShare] = after.map((usage, at) => (usage.seconds - before[at].seconds) / elapsedS);
    const stored = await (await fetch(`http://127.0.0.1:${port}/api/v1/agents/busy/stats`)).json();
    const series = stored.overview.unique_metrics;
    return { busyShare, idleShare, peakMb, lastMb: after[0].rssMb, idleMb: after[1].rssMb, names: series };
  } finally {
    for (const child of children) await end(child);
    rmSync(dir, { recursive: true, force: true });
  }
}

/** In a process of its own: what one way to read the machine's figures costs. */
async function measureHost(kind) {
  const { LinuxHost } = await import('../agent/dist/collect/linux-host.js');
  const { PortableHost } = await import('../agent/dist/collect/portable-host.js');
  const logger = { error() {}, warn() {}, info() {}, debug() {} };
  const host = kind === 'proc' ? new LinuxHost({ logger }) : new PortableHost(process.platform);
  const collect = async () => {
    host.cpuTimes();
    host.load();
    await Promise.all([host.nics(), host.memory(), host.disks()]);
  };
  const startMb = usageOf('self').rssMb;
  await collect();
  const { seconds, rssMb } = usageOf('self');
  for (let count = 0; count < COLLECTIONS; count += 1) await collect();
  console.log(JSON.stringify({ msPerCollection: ((usageOf('self').seconds - seconds) * 1_000) / COLLECTIONS, loadedMb: rssMb - startMb }));
}

async function hostFigures(kind) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--host', kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
  await once(child, 'close');
  return JSON.parse(text);
}

async function main(seconds) {
  const { busyShare, idleShare, peakMb, lastMb, idleMb, names } = await measureAgents(seconds);
  const percent = 100 * (idleShare + (busyShare - idleShare) / INTERVAL_S);
  console.log(`agent, ${seconds} s after ${SETTLE_S} s of settling, ${names} metric names, one ping, tcp and http target each`);
  console.log(
    `  memory (RSS)     ${lastMb.toFixed(1)} MB at the end, ${peakMb.toFixed(1)} MB at most; without collecting ${idleMb.toFixed(1)} MB`,
  );
  console.log(
    `  CPU, measured    ${(100 * busyShare).toFixed(2)} % of a core at 1 s, ${(100 * idleShare).toFixed(2)} % without collecting`,
  );
  console.log(`  CPU, computed    ${percent.toFixed(3)} % of a core at ${INTERVAL_S} s`);
  for (const [kind, name] of [
    ['proc', '/proc'],
    ['library', 'library'],
  ]) {
    const { msPerCollection, loadedMb } = await hostFigures(kind);
    console.log(
      `  ${name.padEnd(16)} ${msPerCollection.toFixed(2)} ms of CPU a collection, programs it runs included; ${loadedMb.toFixed(1)} MB for the first`,
    );
  }
  const missed = peakMb > AIM_RSS_MB || percent > AIM_CPU_PERCENT;
  console.log(`  aims             ${AIM_RSS_MB} MB, ${AIM_CPU_PERCENT} % of a core: ${missed ? 'MISSED' : 'held'}`);
  if (missed) process.exitCode = 1;
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, host: { type: 'string' } } });
if (values.host !== undefined) await measureHost(values.host);
else await main(Number(values.seconds));
