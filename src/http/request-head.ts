import type { IncomingMessage } from 'node:http';

/**
 * A request target as a path and query: clients that take us for a proxy send `http://host/path`, and who looks at
 * the path would see another one, or none. Text is cut, never parsed: a URL's parser would tidy `..` away.
 */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const rest = target.replace(/^https?:\/\/[^/?#]*/i, '');
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest;
}

/** The head of a request as it came in, but without what asks for another protocol. */
export function withoutUpgrade({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    const lower = name.toLowerCase();
    if (lower === 'connection') lines.push(`${name}: ${remainingOptions(value)}`);
    else if (lower !== 'upgrade' && lower !== 'http2-settings') lines.push(`${name}: ${value}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function remainingOptions(connection: string): string {
  const options = connection.split(',').map((option) => option.trim());
  return options.filter((option) => !/^(?:upgrade|http2-settings)$/i.test(option)).join(', ');
}
