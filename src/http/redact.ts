/** In lower case and without `_` and `-`: ours, and those of the APIs behind the proxies. */
const SECRET_PARAMETERS = new Set(['token', 'apikey', 'xapikey', 'key', 'accesstoken', 'oauthtoken', 'authorization']);

/** A request's URL as it may be logged: the values of credentials in its query are replaced. */
export function redactUrl(url: string): string {
  const mark = url.indexOf('?');
  if (mark === -1) return url;
  const pairs = url.slice(mark + 1).split('&');
  const shown = pairs.map((pair) => {
    const equals = pair.indexOf('=');
    if (equals === -1) return pair;
    const name = pair.slice(0, equals);
    return isSecret(name) ? `${name}=REDACTED` : pair;
  });
  return `${url.slice(0, mark)}?${shown.join('&')}`;
}

function isSecret(name: string): boolean {
  return SECRET_PARAMETERS.has(decoded(name).toLowerCase().replace(/[_-]/g, ''));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
