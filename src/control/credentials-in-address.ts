/** `user:password@` in front of a host, with a scheme or without one. */
const IN_FRONT = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/?#]+@/i;

/**
 * True for an address that holds a user name or a password. Addresses are shown to everybody who may read targets, and end
 * up in logs and in the tags of metrics: no place for a secret. What is refused for it must not be repeated either.
 */
export function holdsCredentials(address: string): boolean {
  if (IN_FRONT.test(address)) return true;
  if (!URL.canParse(address)) return false;
  const { username, password } = new URL(address);
  return username !== '' || password !== '';
}

export const CREDENTIALS_PROBLEM = 'must not hold a user name or password: addresses are shown to everybody who may read them';
