export * from './config/configuration.ts';
