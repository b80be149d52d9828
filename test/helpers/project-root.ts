import { fileURLToPath } from 'node:url';

/** The checkout these tests belong to, with a slash at the end. */
export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
