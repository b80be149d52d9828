import { describe, expect, test } from '@jest/globals';
import { hostAllowed, originAllowed } from '../../../src/http/origin.js';
import { redactUrl } from '../../../src/http/redact.js';
import { pickRequestId } from '../../../src/http/request-id.js';

const frontendOrigins = ['http://localhost:4200', 'https://console.example'];
const open = { frontendOrigins, localOnly: false };
const local = { frontendOrigins, localOnly: true };

describe('origins', () => {
  test.each([
    ['none', undefined, 'server:8080', true],
    ['a front end', 'http://localhost:4200', 'server:8080', true],
    ['another front end', 'https://console.example', 'server:8080', true],
    ['a front end, port spelt out', 'https://console.example:443', 'server:8080', true],
    ['a front end over http', 'http://console.example', 'server:8080', false],
    ['our own host', 'http://server:8080', 'server:8080', true],
    ['our own host, other case', 'http://server:8080', 'SERVER:8080', true],
    ['our own host behind TLS', 'https://server.example', 'server.example', true],
    ['our own host, default port in Host', 'http://server.example', 'server.example:80', true],
    ['another port', 'http://server:9090', 'server:8080', false],
    ['a longer name', 'http://server.evil.example', 'server', false],
    ['a stranger', 'https://evil.example', 'server:8080', false],
    ['null', 'null', 'server:8080', false],
    ['empty', '', 'server:8080', false],
    ['a file', 'file:///etc/passwd', 'server:8080', false],
    ['an extension', 'chrome-extension://abcdef', 'server:8080', false],
    ['no Host', 'http://server', undefined, false],
  ])('%s', (_what, origin, host, allowed) => expect(originAllowed(origin, host, open)).toBe(allowed));
});

describe('names of a server that only this machine gets to', () => {
  test.each([
    ['localhost:8080', true],
    ['LOCALHOST', true],
    ['127.0.0.1:8080', true],
    ['127.1.2.3', true],
    ['[::1]:8080', true],
    ['console.example', true],
    [undefined, true],
    ['evil.example:8080', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['localhost@evil.example', false],
    ['192.168.1.5:8080', false],
    ['', false],
    ['a b', false],
  ])('%s: %s', (host, allowed) => {
    expect(hostAllowed(host, local)).toBe(allowed);
    expect(hostAllowed(host, open)).toBe(true);
  });

  test('a page whose name points to us is not ours', () => {
    expect(originAllowed('http://evil.example:8080', 'evil.example:8080', local)).toBe(false);
    expect(originAllowed('http://localhost:8080', 'localhost:8080', local)).toBe(true);
    expect(originAllowed('http://localhost:4200', 'evil.example:8080', local)).toBe(true);
    expect(originAllowed(undefined, 'evil.example:8080', local)).toBe(true);
  });
});

describe('what gets into logs', () => {
  test.each([
    ['/a', '/a'],
    ['/a?x=1', '/a?x=1'],
    ['/a?token=secret&x=1', '/a?token=REDACTED&x=1'],
    ['/a?x=1&api_key=secret', '/a?x=1&api_key=REDACTED'],
    ['/a?apiKey=secret', '/a?apiKey=REDACTED'],
    ['/a?tok%65n=secret', '/a?tok%65n=REDACTED'],
    ['/a?%=1&token=a=b', '/a?%=1&token=REDACTED'],
    ['/a?flag', '/a?flag'],
    ['/api/compute/v1?key=secret&access_token=secret&keys=1', '/api/compute/v1?key=REDACTED&access_token=REDACTED&keys=1'],
    ['/a?X-API-Key=secret', '/a?X-API-Key=REDACTED'],
  ])('%s', (url, shown) => expect(redactUrl(url)).toBe(shown));

  test('a sane request id is kept, another replaced', () => {
    expect(pickRequestId('abc-123')).toBe('abc-123');
    for (const bad of [undefined, '', 'a b', 'a\nb', 'x'.repeat(129), ['a', 'b']]) expect(pickRequestId(bad)).toMatch(/^[0-9a-f-]{36}$/);
  });
});
