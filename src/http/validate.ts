/** Checking of what comes in over HTTP: the same function as for everything else. */
export { validate } from '../runtime/validate.js';
