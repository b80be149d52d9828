import type { Logger } from '../model.js';
import type { Host } from './host.js';
import { LinuxHost } from './linux-host.js';
import { PortableHost } from './portable-host.js';

/** Linux tells everything in /proc, at a hundredth of what a library costs that runs programs to ask them; others are asked through one. */
export function hostOf(platform: NodeJS.Platform, logger: Logger): Host {
  return platform === 'linux' ? new LinuxHost({ logger }) : new PortableHost(platform);
}
