/**
 * Reads the `.cpuprofile` files that `node --cpu-prof` leaves behind, one a thread, and says where each thread spent
 * its own time. Only the measured window counts: profiles are stamped with the same monotonic clock as `process.hrtime`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FUNCTIONS_SHOWN = 12;
/** A thread that was busy for less is only mentioned. */
const LEAST_BUSY_SHARE = 0.01;

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  /** Microseconds from the sample before (the first: from startTime) to this one. */
  readonly timeDeltas: readonly number[];
}

export interface ThreadProfile {
  /** The module that the thread mostly runs, or 'event loop' for the first thread. */
  readonly name: string;
  /** Of the window. */
  readonly busyShare: number;
  /** Of the thread's busy time, largest first. */
  readonly functions: readonly { readonly name: string; readonly place: string; readonly share: number }[];
}

export interface Window {
  readonly fromUs: number;
  readonly toUs: number;
}

/** All profiles in `dir`, busiest thread first. Paths are shown relative to `root`. */
export function readProfiles(dir: string, window: Window, root: string): ThreadProfile[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith('.cpuprofile'))
    .map((file) => {
      // CPU.<date>.<time>.<pid>.<thread>.<sequence>.cpuprofile
      const thread = Number(basename(file).split('.')[4]);
      return summarise(JSON.parse(readFileSync(join(dir, file), 'utf8')) as CpuProfile, window, root, thread === 0);
    })
    .filter((thread) => thread.busyShare >= LEAST_BUSY_SHARE)
    .sort((a, b) => b.busyShare - a.busyShare);
}

/** Self time by function within the window. A sample's time lasts until the next one. */
export function summarise(profile: CpuProfile, window: Window, root: string, isEventLoop: boolean): ThreadProfile {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const selfUs = new Map<string, { name: string; place: string; us: number }>();
  let atUs = profile.startTime;
  let idleUs = 0;
  let busyUs = 0;
  for (let i = 0; i < profile.samples.length; i += 1) {
    atUs += profile.timeDeltas[i] ?? 0;
    const us = profile.timeDeltas[i + 1] ?? 0;
    const frame = nodes.get(profile.samples[i] ?? -1);
    if (frame === undefined || atUs < window.fromUs || atUs >= window.toUs) continue;
    if (frame.functionName === '(idle)') {
      idleUs += us;
      continue;
    }
    busyUs += us;
    const place = shortPlace(frame.url, root);
    const name = frame.functionName === '' ? `(anonymous, line ${frame.lineNumber + 1})` : frame.functionName;
    const key = `${name} ${place}`;
    const entry = selfUs.get(key);
    if (entry === undefined) selfUs.set(key, { name, place, us });
    else entry.us += us;
  }
  const all = [...selfUs.values()].sort((a, b) => b.us - a.us);
  return {
    name: isEventLoop ? 'event loop' : (all.find((entry) => entry.place.startsWith('dist/'))?.place ?? 'a thread'),
    busyShare: busyUs / Math.max(busyUs + idleUs, 1),
    functions: all.slice(0, FUNCTIONS_SHOWN).map(({ name, place, us }) => ({ name, place, share: us / busyUs })),
  };
}

function shortPlace(url: string, root: string): string {
  if (url === '') return 'native';
  const own = `${pathToFileURL(root).href}/`;
  const path = url.startsWith(own) ? url.slice(own.length) : url.replace(/^file:\/\//, '').replace(`${root}/`, '');
  return path.slice(path.lastIndexOf('node_modules/') === -1 ? 0 : path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
