import { withoutSecrets } from '@drey/flink';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

/** Members that may hold secrets wherever they turn up in a log line. */
const REDACTED = [
  'token',
  'password',
  'authorization',
  'headers',
  '*.token',
  '*.password',
  '*.authorization',
  '*.headers',
];

/** The operator's log: JSON lines, secrets left out. Levels are pino's. */
export function operatorLogger(options: { readonly level?: string; readonly stream?: DestinationStream } = {}): Logger {
  const settings: LoggerOptions = {
    level: options.level ?? 'info',
    base: {},
    redact: { paths: REDACTED, censor: '(redacted)' },
    serializers: { err: describe },
  };
  return options.stream === undefined ? pino(settings) : pino(settings, options.stream);
}

/** An error without what libraries hang on it, which may hold requests with credentials. */
function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: withoutSecrets(String(error)) };
  const code = 'code' in error ? error.code : undefined;
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause) };
  const fault = code === undefined ? { stack: error.stack && withoutSecrets(error.stack) } : {};
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: withoutSecrets(error.message),
    ...fault,
    ...cause,
  };
}
