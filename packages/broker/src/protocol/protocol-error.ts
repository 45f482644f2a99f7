/** The texts of `-ERR '…'` lines, letter for letter as nats-server 2.9.10 sends them: clients compare them. */
export const ProtocolError = {
  authenticationTimeout: 'Authentication Timeout',
  authorizationViolation: 'Authorization Violation',
  invalidClientProtocol: 'invalid client protocol',
  invalidPublishSubject: 'Invalid Publish Subject',
  invalidSubject: 'Invalid Subject',
  maximumConnections: 'maximum connections exceeded',
  maximumControlLine: 'maximum control line exceeded',
  maximumPayload: 'Maximum Payload Violation',
  maximumSubscriptions: 'maximum subscriptions exceeded',
  noRespondersRequiresHeaders: 'no responders requires headers support',
  staleConnection: 'Stale Connection',
  unknownOperation: 'Unknown Protocol Operation',
} as const;

export type ProtocolError = (typeof ProtocolError)[keyof typeof ProtocolError];
