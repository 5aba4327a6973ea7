import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import { type ConfigEntries, type FlinkTransport, secretsIn } from '@drey/flink';
import { systemClock, systemRandom } from '@drey/kube';
import {
  type ClassifiedDifference,
  type EndpointResolver,
  type Foresight,
  foresee,
  foreseeSessionCluster,
  foreseeSessionJob,
  type Look,
  lookInto,
  operatorPolicy,
  sessionJobPolicy,
} from '@drey/operator';
import type { Connection } from '../cluster/connect.ts';
import { type PlanResult, printedDifference } from './print.ts';
import { reachFlink } from './reach-flink.ts';
import { appliedTo, created, type Planned } from './wanted.ts';

/** A look may take this long; a cluster that answers takes a fraction of it. */
const LOOK_MS = 30_000;

/** An object of a file, and what of it is there. */
export interface PlanItem {
  readonly file: Planned;
  /** The object as it is on the cluster; undefined when there is none. */
  readonly live: Planned | undefined;
}

export interface PlanInput {
  /** In the order in which they would be applied. */
  readonly items: readonly PlanItem[];
  readonly config: ConfigEntries;
  readonly connection: Pick<Connection, 'client' | 'namespace'>;
  readonly flink: FlinkTransport;
  /** How `flink` finds a cluster; default: by the address of its Service. */
  readonly endpoints?: EndpointResolver;
}

/**
 * What the operator would do if the objects were applied: the production observation and decision for each, without any write.
 * Every plan starts from the cluster as it is now; a session job is planned on the session cluster of the same file.
 */
export async function plansFor(input: PlanInput): Promise<PlanResult[]> {
  const wanted = input.items.map((item) => wantedOf(item, input.connection.namespace));
  const namespaces = [...new Set(wanted.map(({ object }) => object.metadata.namespace ?? ''))];
  const plans = new Map<Wanted, PlanResult>();
  for (const namespace of namespaces) {
    const here = wanted.filter(({ object }) => object.metadata.namespace === namespace);
    const where = { namespace, signal: AbortSignal.timeout(LOOK_MS) };
    for (const [one, plan] of await lookInto(lookEnv(input), where, (look) => plansIn(look, here, input.config)))
      plans.set(one, plan);
  }
  return wanted.flatMap((one) => plans.get(one) ?? []);
}

interface Wanted {
  /** As it would be once it is applied. */
  readonly object: Planned;
  readonly live: Planned | undefined;
}

function wantedOf({ file, live }: PlanItem, namespace: string): Wanted {
  const object = live === undefined ? created(file, file.metadata.namespace ?? namespace) : appliedTo(live, file);
  return { object, live };
}

function lookEnv({ config, connection: { client }, flink, endpoints }: PlanInput) {
  return { clock: systemClock, random: systemRandom, kube: client, config, ...reachFlink(flink, client, endpoints) };
}

/** The clusters first, since what becomes of them matters to their jobs. */
async function plansIn(look: Look, wanted: readonly Wanted[], config: ConfigEntries): Promise<Map<Wanted, PlanResult>> {
  const plans = new Map<Wanted, PlanResult>();
  const policy = operatorPolicy(config);
  const jobConfig = sessionJobPolicy(policy);
  const clusters = new Map<string, { readonly object: FlinkDeployment; readonly plan: PlanResult }>();
  for (const one of wanted) {
    const { object } = one;
    if (object.kind !== 'FlinkDeployment') continue;
    const world = await look.deployment(object);
    const jobs = isSessionCluster(object) ? await lookAtJobs(look, object) : undefined;
    const foresight =
      jobs === undefined ? foresee(world, policy) : foreseeSessionCluster({ world, jobs, config: policy, jobConfig });
    const plan = resultOf(one, foresight);
    plans.set(one, plan);
    clusters.set(plan.name, { object, plan });
  }
  for (const one of wanted) {
    const { object } = one;
    if (object.kind !== 'FlinkSessionJob') continue;
    const cluster = clusters.get(object.spec.deploymentName ?? '');
    const foresight = foreseeSessionJob(await look.sessionJob(object, cluster?.object), jobConfig);
    const warnings = [...foresight.warnings, ...withItsCluster(object, foresight, cluster?.plan)];
    plans.set(one, resultOf(one, { ...foresight, warnings }));
  }
  return plans;
}

function isSessionCluster({ spec }: FlinkDeployment): boolean {
  return spec.job === undefined || spec.job === null;
}

/** Session jobs that are looked at at once; each takes some requests to the same JobManager. */
const JOBS_AT_ONCE = 8;

async function lookAtJobs(look: Look, cluster: FlinkDeployment): Promise<SessionJobView[]> {
  const jobs = look.sessionJobsOf(cluster);
  const seen: SessionJobView[] = [];
  for (let from = 0; from < jobs.length; from += JOBS_AT_ONCE) {
    const some = jobs.slice(from, from + JOBS_AT_ONCE);
    seen.push(...(await Promise.all(some.map((job) => look.sessionJob(job)))));
  }
  return seen;
}

type SessionJobView = Awaited<ReturnType<Look['sessionJob']>>;

/** What the same file does to the cluster of a job. */
function withItsCluster(
  { metadata }: FlinkSessionJob,
  { restarts }: Foresight,
  cluster: PlanResult | undefined,
): readonly string[] {
  if (cluster?.change !== 'upgrade') return [];
  const isRunning = cluster.interrupts?.some(({ name }) => name === metadata.name) === true;
  if (!isRunning && !restarts.job) return [];
  const what = isRunning ? 'it takes the job down as its plan says' : 'the job starts when it is ready again';
  return [`The session cluster ${cluster.name} is restarted by the same file; ${what}.`];
}

function resultOf({ object, live }: Wanted, foresight: Foresight): PlanResult {
  const secrets = secretsIn([object, live]);
  return {
    kind: object.kind,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name ?? '',
    ...foresight,
    differences: foresight.differences
      .flatMap((one) => asUserMeant(one, live))
      .map((one) => printedDifference(one, secrets)),
  };
}

/** The record names the upgrade mode that was really used; what the user had written is in the live spec. */
function asUserMeant(one: ClassifiedDifference, live: Planned | undefined): ClassifiedDifference[] {
  if (one.field !== 'job.upgradeMode') return [one];
  const left = live?.spec.job?.upgradeMode ?? 'stateless';
  return left === one.right ? [] : [{ ...one, left }];
}
