/** The console's files as the server sends them: a made-up build, in a folder of its own, through the whole HTTP edge. */
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rawExchange, startEdge } from '../helpers/edge.js';
import { eventually } from '../helpers/eventually.js';
import { httpRequest } from '../helpers/http.js';
import { startTestApp } from '../helpers/test-app.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const PAGE = '<!doctype html><title>the console</title>';
const SCRIPT = `console.log(${JSON.stringify('x'.repeat(5_000))});`;
const SECRET = 'not for anybody';
const YEAR = 'public, max-age=31536000, immutable';

const BUILD: Readonly<Record<string, string | Uint8Array>> = {
  'index.html': PAGE,
  'index.html.br': brotliCompressSync('an older page'),
  'main-ABCD1234.js': SCRIPT,
  'main-ABCD1234.js.br': brotliCompressSync(SCRIPT),
  'main-ABCD1234.js.gz': gzipSync(SCRIPT),
  'main-ABCD1234.js.map': SECRET,
  'styles-ZZZZ9999.css': 'body{}',
  'media/inter-0A1B2C3D.woff2': 'font',
  'favicon.ico': 'icon',
  'manifest.webmanifest': '{}',
  '.env': SECRET,
  '.git/config': SECRET,
  'media/.hidden': SECRET,
  '../browser-2/other.txt': SECRET,
  '../secret.txt': SECRET,
};

let folder: string;
let dir: string;
let edge: Awaited<ReturnType<typeof startEdge>>;

async function build(files = BUILD): Promise<void> {
  for (const [name, contents] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), contents);
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ccv-console-'));
  dir = join(folder, 'browser');
  edge = await startEdge({ settings: { consoleDir: dir } });
});

beforeEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await build();
});

afterAll(async () => {
  await edge.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
}

/** As it comes over the wire: nothing is unpacked, and no path is tidied up. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: edge.port, path, method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.once('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: res.statusCode ?? 0, headers: res.headers, bytes, text: bytes.toString() });
      });
      res.once('error', reject);
    });
    sent.once('error', reject);
    sent.end();
  });
}

const browse = (path: string): Promise<Answer> => get(path, { accept: BROWSER });

function expectMissing({ status, text, headers }: Answer): void {
  expect([status, headers['content-type']]).toEqual([404, 'application/json; charset=utf-8']);
  expect(JSON.parse(text)).toEqual({
    error: { code: 'not_found', message: expect.any(String), status: 404, timestamp: expect.any(String) },
  });
}

describe('files', () => {
  test('the page is asked for again each time, and not sent again while it is the same', async () => {
    for (const path of ['/', '/index.html', '/?x=1']) {
      const { status, headers, text } = await get(path);
      expect([status, text]).toEqual([200, PAGE]);
      expect(headers).toMatchObject({ 'content-type': 'text/html;charset=utf-8', 'cache-control': 'no-cache' });
      expect(headers['content-security-policy']).toMatch(/script-src 'self';/);
    }
    const { etag = '' } = (await get('/')).headers;
    const again = await get('/', { 'if-none-match': String(etag) });
    expect([again.status, again.text, again.headers['cache-control']]).toEqual([304, '', 'no-cache']);
    expect((await get('/', { 'if-none-match': 'W/"another"' })).text).toBe(PAGE);
  });

  test('what carries its contents in its name is kept for ever', async () => {
    for (const [path, type] of [
      ['/main-ABCD1234.js', 'text/javascript'],
      ['/styles-ZZZZ9999.css', 'text/css'],
      ['/media/inter-0A1B2C3D.woff2', 'font/woff2'],
    ] as const) {
      const { status, headers } = await get(path);
      expect([path, status, headers['cache-control'], headers['content-type']]).toEqual([path, 200, YEAR, type]);
    }
    for (const path of ['/favicon.ico', '/manifest.webmanifest']) expect((await get(path)).headers['cache-control']).toBe('no-cache');
  });

  test.each([
    ['br, gzip', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['gzip;q=0', undefined],
    ['', undefined],
    [null, undefined],
  ])('compressed for who accepts %p: %p', async (accepted, sent) => {
    const { headers, bytes } = await get('/main-ABCD1234.js', accepted === null ? {} : { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(sent);
    expect(headers['content-length']).toBe(String(bytes.length));
    expect(headers.vary).toBe('Origin, Accept-Encoding');
    expect(headers['content-type']).toBe('text/javascript');
    const plain = sent === 'br' ? brotliDecompressSync(bytes) : sent === 'gzip' ? gunzipSync(bytes) : bytes;
    expect(plain.toString()).toBe(SCRIPT);
  });

  test('of what keeps its name no copy is sent: it could be of another build', async () => {
    expect((await get('/', { 'accept-encoding': 'br' })).text).toBe(PAGE);
  });

  test('HEAD tells the same, and nothing more; ranges are not heeded', async () => {
    const head = await get('/main-ABCD1234.js', {}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, String(SCRIPT.length), '']);
    for (const range of ['bytes=0-10', 'bytes=20-10', 'bytes=99999999-']) {
      expect(await get('/main-ABCD1234.js', { range })).toMatchObject({ status: 200, text: SCRIPT });
    }
  });

  test('a build while the server runs is served at once', async () => {
    expect((await get('/')).text).toBe(PAGE);
    await rm(dir, { recursive: true });
    expect((await get('/')).text).toContain('npm run build');
    expectMissing(await get('/main-ABCD1234.js'));
    await build({ 'index.html': 'a longer page than the one before', 'main-NEWNEW12.js': 'new' });
    expect((await get('/')).text).toBe('a longer page than the one before');
    expect((await get('/main-NEWNEW12.js')).text).toBe('new');
  });
});

describe('pages', () => {
  test.each([
    '/agents/x',
    '/agents/host.example.com',
    '/agents/v1.2.3',
    '/agents/a%20b%2Fc',
    '/agents/%zz',
    '/explore?metric=x',
    '/topology/',
    '/targets',
    '/about',
    '/alerts',
    '/media',
    '/apiary',
    '/healthy',
    '/wsx',
  ])('a browser that goes to %s gets the console', async (path) => {
    const { status, headers, text } = await browse(path);
    expect([status, text, headers['cache-control']]).toEqual([200, PAGE, 'no-cache']);
    expectMissing(await get(path, { accept: '*/*' }));
    expectMissing(await get(path));
    expect((await get(path, { accept: BROWSER }, 'HEAD')).status).toBe(200);
  });

  test.each(['/main-OLDOLD12.js', '/chunk-OLDOLD12.js', '/styles-OLDOLD12.css', '/media/gone-OLDOLD12.woff2'])(
    'a file of another build is missing, whoever asks: %s',
    async (path) => {
      expectMissing(await browse(path));
      const { headers } = await get(path);
      expect(headers['cache-control']).toBeUndefined();
    },
  );

  test.each(['/api', '/api/v1', '/api/v1/nothing', '/API/v1/nothing', '/ws', '/WS/x', '/metrics/x', '/health/x'])(
    'what belongs to the server is no page: %s',
    async (path) => expectMissing(await browse(path)),
  );

  test('nothing is changed here', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) expectMissing(await get('/', { accept: BROWSER }, method));
  });

  test('requests are counted as one route', async () => {
    await browse('/agents/some-agent');
    const text = await edge.metrics.registry.metrics();
    expect(text).toContain('route="/*"');
    expect(text).not.toContain('some-agent');
  });
});

describe('what is not to be had', () => {
  const HIDDEN = [
    '/../secret.txt',
    '/../browser-2/other.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/media/../../secret.txt',
    '/media/..%5c..%5csecret.txt',
    '/./../secret.txt',
    '//../secret.txt',
    '/.env',
    '/%2eenv',
    '/.git/config',
    '/media/.hidden',
    '/media/%2ehidden',
    '/main-ABCD1234.js.map',
    '/main-ABCD1234.js%2emap',
  ];

  test.each(HIDDEN)('%s', async (path) => {
    expectMissing(await get(path));
    expect(await browse(path)).toMatchObject({ status: 200, text: PAGE });
    const whole = await rawExchange(edge.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(whole).toMatch(/^HTTP\/1.1 404 /);
    expect(whole).not.toContain(SECRET);
  });

  test('compressed copies and files below files', async () => {
    for (const path of ['/main-ABCD1234.js.br', '/main-ABCD1234.js.gz', '/main-ABCD1234.js/', '/index.html/', '/favicon.ico/x']) {
      expectMissing(await get(path));
    }
  });

  test('by any spelling', async () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '%2e',
      '%2E%2e',
      '/',
      '//',
      '%2f',
      '\\',
      '%5c',
      'media',
      'secret.txt',
      'browser-2',
      'other.txt',
      '.env',
      '%00',
      ';',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const { status, text } = await get(`/${pieces.join('')}`, { accept: BROWSER });
        expect([200, 404]).toContain(status);
        expect(text).not.toContain(SECRET);
      }),
      { numRuns: 300 },
    );
  });
});

describe('connections', () => {
  const openHandles = (name: string): string[] =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).endsWith(name);
      } catch {
        return false;
      }
    });
  const onLinux = process.platform === 'linux' ? test : test.skip;

  onLinux('who leaves in the middle of a file leaves it closed', async () => {
    await writeFile(join(dir, 'large-ABCD1234.js'), Buffer.alloc(30_000_000));
    for (let i = 0; i < 3; i += 1) {
      await new Promise<void>((resolve) => {
        const socket = connect(edge.port, '127.0.0.1', () => socket.write('GET /large-ABCD1234.js HTTP/1.1\r\nHost: localhost\r\n\r\n'));
        socket.once('data', () => {
          expect(openHandles('large-ABCD1234.js')).not.toEqual([]);
          socket.destroy();
          resolve();
        });
      });
    }
    await eventually(async () => openHandles('large-ABCD1234.js').length === 0);
  });

  onLinux('a file that cannot be read cuts the connection, and nothing else', async () => {
    await symlink('/proc/self/mem', join(dir, 'broken.txt'));
    await expect(get('/broken.txt')).rejects.toThrow();
    expect((await get('/')).status).toBe(200);
  });
});

describe('without a console', () => {
  test('a page says so, and how to get one', async () => {
    await rm(dir, { recursive: true });
    for (const path of ['/', '/agents/x']) {
      const { status, headers, text } = await browse(path);
      expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, 'text/html; charset=utf-8', 'no-store']);
      expect(text).toContain('npm run build');
      expect(text).toContain('href="/api/v1/info"');
      expect(text).not.toMatch(/<script|<link|style|src=/);
    }
    expectMissing(await get('/agents/x'));
    expectMissing(await get('/favicon.ico'));
  });
});

test('the folder is the one of the settings, and needs no key', async () => {
  const app = await startTestApp({ CONSOLE_DIR: dir, API_KEYS: 'key-0123456789abcdef' });
  try {
    expect(await httpRequest(`${app.url}/`)).toMatchObject({ status: 200, body: PAGE });
    expect((await httpRequest(`${app.url}/api/v1/agents`, { headers: { accept: BROWSER } })).status).toBe(401);
  } finally {
    await app.stop();
  }
});
