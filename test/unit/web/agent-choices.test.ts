import { expect, test } from '@jest/globals';
import { choicesOf } from '../../../web/src/app/pages/targets/agent-choices.js';

const AGENTS = [
  { id: 'b', provider: 'gcp', region: 'us-central1', status: 'connected' },
  { id: 'a', provider: '', region: '', status: 'disconnected' },
  { id: 'c', provider: 'aws', region: 'eu-west-1', status: 'connected' },
] as const;

test('those that were chosen are on top, also one that is gone; the others by id', () => {
  expect(choicesOf(AGENTS, new Set(['c', 'gone']), '')).toEqual([
    { id: 'c', note: 'aws · eu-west-1 · connected' },
    { id: 'gone', note: 'not known' },
    { id: 'a', note: 'disconnected' },
    { id: 'b', note: 'gcp · us-central1 · connected' },
  ]);
});

test('they are found by words of what is shown', () => {
  expect(choicesOf(AGENTS, new Set(), 'AWS c').map(({ id }) => id)).toEqual(['c']);
  expect(choicesOf(AGENTS, new Set(), 'nowhere')).toEqual([]);
});
