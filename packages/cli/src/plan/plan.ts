import type { FlinkDeployment } from '@drey/api';
import { type ConfigEntries, type FlinkTransport, secretsIn } from '@drey/flink';
import { systemClock, systemRandom } from '@drey/kube';
import { type ClassifiedDifference, type EndpointResolver, foresee, lookAt, operatorPolicy } from '@drey/operator';
import type { Connection } from '../cluster/connect.ts';
import { type PlanResult, printedDifference } from './print.ts';
import { reachFlink } from './reach-flink.ts';
import { appliedTo, created } from './wanted.ts';

/** A look may take this long; a cluster that answers takes a fraction of it. */
const LOOK_MS = 30_000;

export interface PlanInput {
  readonly file: FlinkDeployment;
  /** The object as it is on the cluster; undefined when there is none. */
  readonly live: FlinkDeployment | undefined;
  readonly config: ConfigEntries;
  readonly connection: Pick<Connection, 'client' | 'namespace'>;
  readonly flink: FlinkTransport;
  /** How `flink` finds a cluster; default: by the address of its Service. */
  readonly endpoints?: EndpointResolver;
}

/** What the operator would do if `file` was applied: the production observation and decision, without any write. */
export async function planFor({ file, live, config, connection, flink, endpoints }: PlanInput): Promise<PlanResult> {
  const { client, namespace } = connection;
  const wanted = live === undefined ? created(file, file.metadata.namespace ?? namespace) : appliedTo(live, file);
  const env = {
    clock: systemClock,
    random: systemRandom,
    kube: client,
    config,
    ...reachFlink(flink, client, endpoints),
  };
  const world = await lookAt(env, wanted, AbortSignal.timeout(LOOK_MS));
  const foresight = foresee(world, operatorPolicy(config));
  const secrets = secretsIn([wanted, live]);
  return {
    namespace: wanted.metadata.namespace ?? namespace,
    name: wanted.metadata.name ?? '',
    ...foresight,
    differences: foresight.differences
      .flatMap((one) => asUserMeant(one, live))
      .map((one) => printedDifference(one, secrets)),
  };
}

/** The record names the upgrade mode that was really used; what the user had written is in the live spec. */
function asUserMeant(one: ClassifiedDifference, live: FlinkDeployment | undefined): ClassifiedDifference[] {
  if (one.field !== 'job.upgradeMode') return [one];
  const left = live?.spec.job?.upgradeMode ?? 'stateless';
  return left === one.right ? [] : [{ ...one, left }];
}
