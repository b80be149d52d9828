import { type FrameData, TestAgent } from './agent-client.js';

/** A browser's live channel: the same inbox as TestAgent's, at `/ws`. */
export function connectConsole(server: { readonly wsUrl: string }, headers: Readonly<Record<string, string>> = {}): Promise<TestAgent> {
  return TestAgent.connect(server, { agentId: null, path: '/ws', headers });
}

/** The data of the next `count` frames of this type, in order. */
export async function nextFrames(console: TestAgent, type: string, count: number): Promise<FrameData[]> {
  const frames: FrameData[] = [];
  for (let i = 0; i < count; i++) frames.push(await console.nextFrame(type));
  return frames;
}

/**
 * Resolves when everything the server sent because of earlier messages has come: a message with an answer of its own
 * (an error naming `marker`) is sent, and frames keep their order.
 */
export async function caughtUp(console: TestAgent, marker: string): Promise<void> {
  console.send(marker, {});
  await console.nextFrame('error');
}
