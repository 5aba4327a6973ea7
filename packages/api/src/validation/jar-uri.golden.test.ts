import { expect } from 'vitest';
import { compareCalls } from '../../../../golden/recorded-calls.ts';
import { Settings } from './context.ts';
import { checkJarUri } from './jar-uri.ts';

interface Args {
  readonly uri: string | null;
  readonly schemes: readonly string[];
  readonly disallowRestrictedHosts: boolean;
}

compareCalls<Args, string | null | undefined>(
  'jarUri',
  'Jars of session jobs are refused as by the Apache operator',
  ({ uri, schemes, disallowRestrictedHosts }, result) => {
    const settings = new Settings({
      'kubernetes.operator.user.artifacts.allowed-schemes': schemes.join(';'),
      'kubernetes.operator.user.artifacts.disallow-restricted-hosts': String(disallowRestrictedHosts),
    });
    const found = uri === null ? undefined : checkJarUri(uri, settings, () => undefined);
    expect(found?.message ?? null).toBe(result ?? null);
  },
);
