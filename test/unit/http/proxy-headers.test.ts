import { describe, expect, test } from '@jest/globals';
import { answerHeaders, stripRequestHeaders } from '../../../src/http/proxy/proxy-headers.js';

describe('headers through a proxy', () => {
  test('requests keep what is theirs and lose what is ours', () => {
    const headers: Record<string, string> = {
      authorization: 'Bearer ya29.token',
      'content-type': 'application/json',
      'content-length': '5',
      'x-goog-user-project': 'p',
      cookie: 'session=1',
      'x-api-key': 'k',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-anything': 'x',
      forwarded: 'for=10.0.0.1',
      via: '1.1 x',
      'x-real-ip': '10.0.0.1',
      'x-original-forwarded-for': '10.0.0.1',
      'cf-connecting-ipv6': '::1',
      'x-envoy-external-address': '10.0.0.1',
      origin: 'http://localhost:4200',
      referer: 'http://localhost:4200/logs',
      connection: 'keep-alive, X-Private, Content-Length',
      'x-private': '1',
      'keep-alive': 'timeout=5',
      te: 'trailers',
      expect: '100-continue',
    };
    stripRequestHeaders(headers);
    expect(headers).toEqual({
      authorization: 'Bearer ya29.token',
      'content-type': 'application/json',
      'content-length': '5',
      'x-goog-user-project': 'p',
    });
  });

  test('answers do not speak for us', () => {
    const passing = answerHeaders({
      'content-type': 'text/plain',
      'content-encoding': 'gzip',
      etag: '"1"',
      'set-cookie': ['a=1'],
      'access-control-allow-origin': '*',
      'access-control-allow-credentials': 'true',
      'strict-transport-security': 'max-age=1',
      'alt-svc': 'h3=":443"',
      connection: 'close, x-hop',
      'x-hop': '1',
      'transfer-encoding': 'chunked',
    });
    expect(Object.fromEntries(passing)).toEqual({ 'content-type': 'text/plain', 'content-encoding': 'gzip', etag: '"1"' });
  });
});
