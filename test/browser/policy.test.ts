import { expect, test } from '@jest/globals';
import { useConsole } from '../helpers/browser/console-fixture.js';

const console = useConsole({ agents: 3 });

test('every page is sent with a policy that forbids inline scripts, eval and other hosts', async () => {
  const watched = await console.newPage();
  for (const path of ['/', '/agents', '/no/such/page']) {
    const response = await watched.page.goto(path);
    const policy = response?.headers()['content-security-policy'] ?? '';
    const directives = new Map(policy.split(';').map((text) => [text.trim().split(' ')[0], text.trim().split(' ').slice(1)]));
    expect(directives.get('script-src')).toEqual(["'self'"]);
    expect(directives.get('default-src')).toEqual(["'self'"]);
    expect(directives.get('connect-src')).toEqual(["'self'"]);
    expect(directives.get('frame-ancestors')).toEqual(["'none'"]);
  }
});

test('the browser keeps to it: what is slipped into the page does not run, and is noticed here', async () => {
  const watched = await console.open('/about');
  await watched.page.evaluate(`(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.slippedIn = true';
    document.body.append(script);
    const image = document.createElement('img');
    image.src = 'http://192.0.2.1/pixel.png';
    document.body.append(image);
  })()`);
  expect(await watched.page.evaluate('globalThis.slippedIn')).toBeUndefined();
  await expect(watched.wrongs()).resolves.toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^content security policy: script-src-elem blocked inline/),
      expect.stringMatching(/^content security policy: img-src blocked http:\/\/192\.0\.2\.1/),
    ]),
  );
  watched.tolerate(/content security policy/i, /192\.0\.2\.1/);
});
