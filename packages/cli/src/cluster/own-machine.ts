import type { ConfigEntries } from '@drey/flink';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';

/**
 * The operator's configuration in a cluster of `drey up`. Whoever starts a cluster on a machine may have read every file and
 * address of it before, so jars of session jobs may come from there, too.
 */
export const OWN_MACHINE_CONFIG: ConfigEntries = {
  ...DEFAULT_OPERATOR_CONFIG,
  'kubernetes.operator.user.artifacts.allowed-schemes': 'https;http;file;s3',
  'kubernetes.operator.user.artifacts.disallow-restricted-hosts': 'false',
};
