import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { accessClass, Authorizer } from '../../../src/http/auth.js';

const TOKEN = 'token-one-0123456789';
const OTHER_TOKEN = 'token-two-0123456789';
const KEY = 'key-one-0123456789abc';
const request = (method: string, headers: Record<string, string> = {}): IncomingMessage =>
  ({ method, headers }) as unknown as IncomingMessage;
const query = (text = ''): URLSearchParams => new URLSearchParams(text);

describe('what needs what', () => {
  test.each([
    ['GET', '/health', 'open'],
    ['GET', '/', 'open'],
    ['GET', '/metrics', 'scrape'],
    ['GET', '/METRICS/', 'scrape'],
    ['GET', '/api/v1/metrics', 'person'],
    ['POST', '/api/v1/metrics', 'agent'],
    ['POST', '/API/v1/Metrics/', 'agent'],
    ['POST', '/api/v1/metrics/names', 'person'],
    ['POST', '/api/v1/agents/register', 'agent'],
    ['GET', '/api/v1/agents/register', 'person'],
    ['PUT', '/api/v1/agents/register', 'person'],
    ['POST', '/api/v1/agents/a/commands', 'person'],
    ['POST', '/api/v1/monitoring/agents/register', 'agent'],
    ['POST', '/api/v1/monitoring/metrics', 'agent'],
    ['POST', '/api/v1/deployments/x-1/complete', 'agent'],
    ['POST', '/api/v1/deployments/x/y/complete', 'person'],
    ['GET', '/api/v1/agents', 'person'],
    ['GET', '/Api/V1/agents', 'person'],
    ['POST', '/api/logging/v2/entries:list', 'person'],
    ['GET', '/api/ipify', 'person'],
    ['GET', '/api', 'person'],
  ])('%s %s: %s', (method, path, expected) => expect(accessClass(method, path)).toBe(expected));
});

describe('with tokens and keys configured', () => {
  const authorizer = new Authorizer({ agentTokens: [TOKEN, OTHER_TOKEN], apiKeys: [KEY] });

  test.each([
    ['nothing', {}, '', false],
    ['a token in the query', {}, `token=${TOKEN}`, true],
    ['the second token', {}, `token=${OTHER_TOKEN}`, true],
    ['a bearer token', { authorization: `Bearer ${TOKEN}` }, '', true],
    ['a bearer token, any case', { authorization: `bearer ${TOKEN}` }, '', true],
    ['a wrong token', {}, `token=${TOKEN}x`, false],
    ['the beginning of a token', {}, `token=${TOKEN.slice(0, -1)}`, false],
    ['an empty token', {}, 'token=', false],
    ['a key as a token', {}, `token=${KEY}`, false],
    ['a basic header', { authorization: `Basic ${TOKEN}` }, '', false],
    ['a key', { 'x-api-key': KEY }, '', false],
  ])('agent socket, %s', (_what, headers, text, allowed) => {
    expect(authorizer.authorizeAgent(request('GET', headers), query(text)) === null).toBe(allowed);
  });

  test.each([
    ['nothing', {}, '', false],
    ['the header', { 'x-api-key': KEY }, '', true],
    ['api_key', {}, `api_key=${KEY}`, true],
    ['apiKey', {}, `apiKey=${KEY}`, true],
    ['a wrong key', {}, 'api_key=nothing-of-the-kind', false],
    ['a token', { 'x-api-key': TOKEN }, '', false],
  ])('console socket, %s', (_what, headers, text, allowed) => {
    expect(authorizer.authorizePerson(request('GET', headers), query(text)) === null).toBe(allowed);
  });

  test.each([
    ['GET', '/api/v1/agents', { 'x-api-key': KEY }, '', true],
    ['GET', '/api/v1/agents', {}, `api_key=${KEY}`, false],
    ['GET', '/api/v1/agents', { authorization: `Bearer ${KEY}` }, '', false],
    ['GET', '/api/v1/agents', {}, `token=${TOKEN}`, false],
    ['POST', '/api/v1/metrics', {}, `token=${TOKEN}`, true],
    ['POST', '/api/v1/metrics', { 'x-api-key': KEY }, '', true],
    ['POST', '/api/v1/metrics', { 'x-api-key': 'wrong' }, 'token=wrong', false],
    ['GET', '/metrics', { authorization: `Bearer ${KEY}` }, '', true],
    ['GET', '/metrics', { 'x-api-key': KEY }, '', true],
    ['GET', '/metrics', {}, '', false],
    ['GET', '/health', {}, '', true],
  ])('%s %s with %j %s', (method, path, headers, text, allowed) => {
    expect(authorizer.authorizeRequest(request(method, headers as Record<string, string>), path, query(text)) === null).toBe(allowed);
  });

  test('a refusal says what to send and not what was sent', () => {
    const refused = authorizer.authorizeRequest(request('GET', { 'x-api-key': 'my-mistyped-secret' }), '/api/v1/agents', query());
    expect(refused?.error.code).toBe('unauthorized');
    expect(refused?.error.message).toContain('X-API-Key');
    expect(refused?.error.message).not.toContain('mistyped');
    expect(refused?.challenge).toContain('realm');
  });
});

describe('with one kind configured', () => {
  test('only keys: agents come in, people need one', () => {
    const authorizer = new Authorizer({ agentTokens: [], apiKeys: [KEY] });
    expect(authorizer.authorizeAgent(request('GET'), query())).toBeNull();
    expect(authorizer.authorizeRequest(request('POST'), '/api/v1/metrics', query())).toBeNull();
    expect(authorizer.authorizeRequest(request('GET'), '/api/v1/metrics', query())).not.toBeNull();
  });

  test('only tokens: people come in, agents need one', () => {
    const authorizer = new Authorizer({ agentTokens: [TOKEN], apiKeys: [] });
    expect(authorizer.authorizeRequest(request('GET'), '/api/v1/metrics', query())).toBeNull();
    expect(authorizer.authorizeRequest(request('POST'), '/api/v1/metrics', query())).not.toBeNull();
    expect(authorizer.authorizeRequest(request('POST', { 'x-api-key': 'anything' }), '/api/v1/metrics', query())).not.toBeNull();
  });
});
