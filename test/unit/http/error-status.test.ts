import { describe, expect, test } from '@jest/globals';
import { errorResponse, toAppError } from '../../../src/http/error-response.js';
import { ERROR_STATUS } from '../../../src/http/error-status.js';
import { AppError, ERROR_CODES } from '../../../src/model/errors.js';

const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0, 5);

describe('the table of statuses', () => {
  test.each([
    ['validation_failed', 400],
    ['invalid_json', 400],
    ['unauthorized', 401],
    ['forbidden', 403],
    ['not_found', 404],
    ['agent_not_found', 404],
    ['agent_disconnected', 409],
    ['agent_deleted', 410],
    ['method_not_allowed', 405],
    ['conflict', 409],
    ['payload_too_large', 413],
    ['unsupported_media_type', 415],
    ['rate_limited', 429],
    ['internal', 500],
    ['not_implemented', 501],
    ['bad_gateway', 502],
    ['gateway_timeout', 504],
    ['overloaded', 503],
    ['query_timeout', 503],
    ['storage_unavailable', 503],
    ['storage_full', 503],
    ['shutting_down', 503],
  ] as const)('%s is %i', (code, status) => {
    const answer = errorResponse(new AppError(code, 'why'), NOW_MS);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toEqual({ code, message: 'why', status, timestamp: '2026-11-22T12:00:00.005Z' });
    expect(answer.headers['Retry-After']).toEqual(status === 503 ? expect.stringMatching(/^[1-9]\d*$/) : undefined);
  });

  test('holds every code and no other', () => {
    expect(Object.keys(ERROR_STATUS).sort()).toEqual([...ERROR_CODES].sort());
  });

  test('details are shown when there are some', () => {
    const details = [{ field: 'limit', message: 'too much', value: 5 }];
    expect(errorResponse(new AppError('validation_failed', 'no', details), NOW_MS).body.error.details).toEqual(details);
  });
});

describe('what is no AppError', () => {
  const withProps = (props: object): Error => Object.assign(new Error('the inner words'), props);

  test.each([
    ['a bug', new TypeError('x is undefined'), 'internal'],
    ['a string', 'oops', 'internal'],
    ['nothing', undefined, 'internal'],
    ['a framework error of the server', withProps({ status: 500 }), 'internal'],
    ['JSON that is none', withProps({ status: 400, type: 'entity.parse.failed' }), 'invalid_json'],
    ['too much body', withProps({ status: 413, type: 'entity.too.large', limit: 10 }), 'payload_too_large'],
    ['a strange encoding', withProps({ status: 415, type: 'encoding.unsupported' }), 'unsupported_media_type'],
    ['a strange charset', withProps({ status: 415, type: 'charset.unsupported' }), 'unsupported_media_type'],
    ['a body cut short', withProps({ status: 400, type: 'request.aborted' }), 'validation_failed'],
    ['a body of another length', withProps({ status: 400, type: 'request.size.invalid' }), 'validation_failed'],
    ['a bad escape in the path', withProps({ status: 400, name: 'URIError' }), 'validation_failed'],
    ['another status of a framework', withProps({ status: 404 }), 'not_found'],
    ['an unheard-of 4xx', withProps({ status: 418 }), 'validation_failed'],
  ])('%s', (_what, thrown, code) => {
    const error = toAppError(thrown);
    expect(error.code).toBe(code);
    if (code === 'internal') expect(error.message).not.toMatch(/undefined|oops|inner/);
  });
});
