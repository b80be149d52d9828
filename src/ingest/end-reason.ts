/** Why a connection ended, as the self metrics call it. */
export type EndReason =
  | 'closed'
  | 'lost'
  | 'silent'
  | 'slow_reader'
  | 'too_many_bad_frames'
  | 'too_long'
  | 'protocol_error'
  | 'deleted'
  | 'shutdown';

/** The same for the activity feed. */
export const END_TEXTS: Readonly<Record<EndReason, string>> = {
  closed: 'it closed the connection',
  lost: 'the connection was lost',
  silent: 'nothing was heard of it',
  slow_reader: 'it did not read its answers',
  too_many_bad_frames: 'too many bad frames',
  too_long: 'its message was too long',
  protocol_error: 'it broke the WebSocket protocol',
  deleted: 'the agent was deleted',
  shutdown: 'the server stopped',
};
