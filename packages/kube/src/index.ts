export * from './client/client.ts';
export * from './client/errors.ts';
export * from './client/objects.ts';
export * from './client/transport.ts';
export * from './kinds.ts';
export * from './runtime/clock.ts';
