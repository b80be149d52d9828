/** What is said of an agent, in words. Pure. */
import type { Gap, Tags } from '../../core/api-types';
import { formatCount, formatDuration } from '../../core/units';

/** Less than this is the way of a message. */
const USUAL_SKEW_MS = 1_000;
const WRONG_SKEW_MS = 60_000;

/** How far an agent's clock is off. The server's minus the agent's: positive when the agent's is behind. */
export function skewText(skewMs: number | null): { text: string; isWrong: boolean } {
  if (skewMs === null) return { text: 'not known', isWrong: false };
  const size = Math.abs(skewMs);
  if (size < USUAL_SKEW_MS) return { text: 'right', isWrong: false };
  return { text: `${formatDuration(size)} ${skewMs > 0 ? 'behind' : 'ahead'}`, isWrong: size >= WRONG_SKEW_MS };
}

/** Why data is missing, and how much of it. */
export function gapText({ reason, batches, samples }: Gap): string {
  const much = [
    ...(samples ? [`${formatCount(samples)} sample${samples === 1 ? '' : 's'}`] : []),
    ...(batches ? [`${formatCount(batches)} batch${batches === 1 ? '' : 'es'}`] : []),
  ].join(', ');
  const why = reason === 'dropped' ? 'The agent had to throw it away' : 'It has not come yet';
  return much === '' ? why : `${why}: ${much}`;
}

/** `interface=eth0, target=8.8.8.8`. */
export function tagsText(tags: Tags): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}
